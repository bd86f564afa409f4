/** The session that a request names, if whoever asks may see it, act in it or own it. */
import type { ClientConnection } from '../client-connection.ts';
import type { Registry } from '../registry.ts';
import type { LiveSession } from './live-session.ts';

type Lookup = (connection: ClientConnection, reference: string) => LiveSession;

/** All throw `session-not-found` and `kicked`; `acted` also `agents-paused` and `observer`, `owned` also `not-owner`. */
export type SessionLookups = { seen: Lookup; acted: Lookup; owned: Lookup };

export function sessionLookups(registry: Pick<Registry, 'find'>): SessionLookups {
  return {
    seen({ who }, reference) {
      const session = registry.find(reference);
      session.roles.mustSee(who.actor);
      return session;
    },
    acted({ who }, reference) {
      const session = registry.find(reference);
      session.roles.mustAct(who.actor, session.control.agentsPaused);
      return session;
    },
    owned({ who }, reference) {
      const session = registry.find(reference);
      session.roles.mustOwn(who.actor);
      return session;
    },
  };
}
