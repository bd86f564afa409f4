/** What a host does for its clients beside holding sessions, subject by subject. */
import type { LocalPaths } from '#local/paths.ts';
import type { APPROVAL_METHODS } from '#protocol/approvals.ts';
import type { CHECKPOINT_METHODS } from '#protocol/checkpoints.ts';
import type { FILES_METHODS } from '#protocol/files.ts';
import type { GUEST_METHODS } from '#protocol/guests.ts';
import type { HISTORY_METHODS } from '#protocol/history.ts';
import type { SessionId } from '#protocol/ids.ts';
import type { EventParams, Method } from '#protocol/messages.ts';
import type { PORT_METHODS } from '#protocol/ports.ts';
import type { PROCESS_METHODS } from '#protocol/processes.ts';
import type { REPLAY_METHODS } from '#protocol/replay.ts';
import type { RETENTION_METHODS } from '#protocol/retention.ts';
import type { SEARCH_METHODS } from '#protocol/search.ts';
import type { SHARE_METHODS } from '#protocol/sharing.ts';
import type { AgentGuard } from './agents/agent-guard.ts';
import { approvalHandlers } from './agents/approval-methods.ts';
import type { PolicyDesk } from './agents/input-judge.ts';
import { guardedSession } from './agents/policy-desk.ts';
import type { PolicyFile } from './agents/policy-file.ts';
import { checkpointService } from './checkpoints/checkpoint-service.ts';
import type { ClientConnection, Handlers } from './client-connection.ts';
import { filesService } from './files/files-service.ts';
import { guestService } from './guests/guest-service.ts';
import type { HostNews } from './host-news.ts';
import type { HostSettings } from './host-settings.ts';
import { historyHandlers } from './journal/history-methods.ts';
import type { Journal } from './journal/journal.ts';
import type { JournalWatchers } from './journal/journal-watchers.ts';
import type { Records } from './journal/records.ts';
import type { Attachments } from './methods.ts';
import { portService } from './ports/port-service.ts';
import { processService } from './processes/process-service.ts';
import type { Registry } from './registry.ts';
import { replayService } from './replay/replay-service.ts';
import { retentionService } from './retention/retention-methods.ts';
import { searchService } from './search/search-service.ts';
import type { LiveSession } from './sessions/live-session.ts';
import { sessionFolder } from './sessions/open-session.ts';
import type { GuestDesk } from './sharing/guest-desk.ts';

/** One subject: the requests it answers, and what it must hear of. */
export type Service<M extends Method> = {
  handlers: Pick<Handlers, M>;
  /** A session is different now: it ended, or who may act in it is. Before its watchers are told. */
  sessionChanged?(session: LiveSession): void;
  /** A part of its output is complete on disk. */
  outputSealed?(session: SessionId): void;
  /** A client is gone, and whatever was begun for it is of no use. */
  closed(connection: ClientConnection): void;
  /** This host ends; sessions go on, and with `upgrade` another host takes over at once. */
  dispose(reason: EventParams<'host.stopping'>['reason']): void;
};

export type ServiceMethod =
  | keyof typeof APPROVAL_METHODS
  | keyof typeof HISTORY_METHODS
  | keyof typeof FILES_METHODS
  | keyof typeof GUEST_METHODS
  | keyof typeof PORT_METHODS
  | keyof typeof PROCESS_METHODS
  | keyof typeof REPLAY_METHODS
  | keyof typeof RETENTION_METHODS
  | keyof typeof SEARCH_METHODS
  | keyof typeof SHARE_METHODS
  | keyof typeof CHECKPOINT_METHODS;

export type ServiceContext = {
  paths: LocalPaths;
  clock: { now(): number; wallNow(): number };
  journal: Journal;
  records: Records;
  settings: HostSettings;
  registry: Registry;
  news: HostNews;
  attachments: Attachments;
  watchers: JournalWatchers;
  desk: PolicyDesk;
  guard: AgentGuard;
  policy: PolicyFile;
  guests: GuestDesk;
};

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
  const history: Service<keyof typeof HISTORY_METHODS> = {
    handlers: historyHandlers(context),
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
  const checkpoints = checkpointService(context);
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
