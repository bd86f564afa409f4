/** What a guest hears of a host: an entry for every event, so that a new one is classified before it is told to anybody. */
import type { SessionId } from '#protocol/ids.ts';
import type { EventName, EventParams } from '#protocol/messages.ts';

/** `own`: goes to one client, about what it did or is attached to; `never`; else the session that it is about. */
type Hearing<E extends EventName> = 'own' | 'never' | ((params: EventParams<E>) => SessionId);

const GUEST_HEARS: { readonly [E in EventName]: Hearing<E> } = {
  'input.applied': 'own',
  'input.refused': 'own',
  'input.delegated': 'own',
  'control.changed': 'own',
  'control.requested': 'own',
  'role.changed': 'own',
  'session.kicked': 'own',
  'output.gap': 'own',
  'session.resized': 'own',
  'session.ended': 'own',
  'attach.waiting': 'own',
  'session.changed': ({ session }) => session.id,
  'session.removed': ({ session }) => session,
  'actor.typing': ({ session }) => session,
  'command.changed': ({ command }) => command.session,
  'journal.event': 'own',
  // Of everything on this host; of the guest's session its summary tells.
  'agents.changed': 'never',
  'host.warnings': 'never',
  'host.stopping': 'own',
  'output.ack': 'own',
  'approval.changed': 'never',
  'stream.window': 'own',
  'stream.end': 'own',
  'stream.reset': 'own',
  'streams.arrived': 'own',
  'ports.changed': ({ session }) => session,
  'ports.closed': 'own',
  'search.found': 'own',
  'search.progress': 'own',
  'search.ended': 'own',
  'replay.progress': 'own',
  'checkpoint.made': 'never',
  'checkpoint.progress': 'own',
  'share.ended': 'own',
  'share.changed': 'never',
  'share.said': ({ session }) => session,
  'share.pointed': ({ session }) => session,
};

/** Whether a guest of `session` is among those who hear an event that goes to all who watch. */
export function guestHears<E extends EventName>(event: E, params: EventParams<E>, session: SessionId): boolean {
  const hearing: Hearing<E> = GUEST_HEARS[event];
  return typeof hearing === 'function' && hearing(params) === session;
}
