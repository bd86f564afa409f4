/** What a host does for its clients beside holding sessions, subject by subject. */
import type { APPROVAL_METHODS } from '#protocol/approvals.ts';
import type { GUEST_METHODS } from '#protocol/guests.ts';
import type { HISTORY_METHODS } from '#protocol/history.ts';
import type { SessionId } from '#protocol/ids.ts';
import type { SHARE_METHODS } from '#protocol/sharing.ts';
import { approvalHandlers } from './agents/approval-methods.ts';
import { guardedSession } from './agents/policy-desk.ts';
import { checkpointService } from './checkpoints/checkpoint-service.ts';
import { filesService } from './files/files-service.ts';
import { guestService } from './guests/guest-service.ts';
import { historyHandlers } from './journal/history-methods.ts';
import { portService } from './ports/port-service.ts';
import { processService } from './processes/process-service.ts';
import { replayService } from './replay/replay-service.ts';
import { retentionService } from './retention/retention-methods.ts';
import { searchService } from './search/search-service.ts';
import type { Service, ServiceMethod } from './service.ts';
import type { ServiceContext } from './service-context.ts';
import { sessionFolder } from './sessions/open-session.ts';

export function hostServices(context: ServiceContext): Service<ServiceMethod> {
  const { desk, guard, policy, registry, watchers } = context;
  const approvals: Service<keyof typeof APPROVAL_METHODS> = {
    handlers: approvalHandlers({ ...context, approvals: desk.approvals, find: (reference) => guardedSession(registry.find(reference)) }),
    closed: (connection) => guard.closed(connection),
    dispose() {
      desk.approvals.dispose();
      policy.dispose();
    },
  };
  const checkpoints = checkpointService(context);
  const history: Service<keyof typeof HISTORY_METHODS> = {
    handlers: historyHandlers({ ...context, checkpoints: checkpoints.checkpoints }),
    closed: (connection) => watchers.delete(connection),
    dispose: () => {},
  };
  const files = filesService(context);
  const folderOf = (session: SessionId) => sessionFolder(context.paths, session);
  const replay = replayService({ ...context, folderOf });
  const search = searchService({ ...context, folderOf });
  const sharing: Service<keyof typeof SHARE_METHODS> = context.guests.service;
  const guests: Service<keyof typeof GUEST_METHODS> = guestService(context);
  const ports = portService(context);
  const processes = processService(context);
  const retention = retentionService({ ...context, checkpoints: checkpoints.checkpoints });
  const services: Pick<Service<never>, 'sessionChanged' | 'outputSealed' | 'closed' | 'dispose'>[] = [
    ...[approvals, history, files, replay, retention, search, ports, processes, sharing, checkpoints, guests],
  ];
  return {
    handlers: {
      ...approvals.handlers,
      ...history.handlers,
      ...files.handlers,
      ...guests.handlers,
      ...ports.handlers,
      ...processes.handlers,
      ...replay.handlers,
      ...retention.handlers,
      ...search.handlers,
      ...sharing.handlers,
      ...checkpoints.handlers,
    },
    sessionChanged(session) {
      for (const service of services) service.sessionChanged?.(session);
    },
    outputSealed(session) {
      for (const service of services) service.outputSealed?.(session);
    },
    closed(connection) {
      for (const service of services) service.closed(connection);
    },
    dispose(reason) {
      for (const service of services) service.dispose(reason);
    },
  };
}
