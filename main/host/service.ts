/** One subject of what a host does for its clients beside holding sessions: what it is given, and what it gives. */
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
import type { ClientConnection, Handlers } from './client-connection.ts';
import type { LiveSession } from './sessions/live-session.ts';

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
