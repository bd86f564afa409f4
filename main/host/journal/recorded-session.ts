/** A session that the history knows, whether or not it is still on the list. */
import type { SessionId } from '#protocol/ids.ts';
import type { Registry } from '../registry.ts';
import { findSession } from '../sessions/session-names.ts';
import type { Records } from './records.ts';

/** By name or id; throws `session-not-found` and `session-ambiguous`. */
export function recordedSession({ registry, records }: { registry: Registry; records: Records }, reference: string): SessionId {
  try {
    return registry.named(reference).id;
  } catch (error) {
    const removed = records.removedSessions().map((session) => ({ ...session, isRunning: false }));
    if (!removed.some(({ id, name }) => id === reference || name === reference)) throw error;
    return findSession(removed, reference).id;
  }
}
