/** How a client came in, and who it turned out to be. */
import type { Turns } from '#local/turns.ts';
import type { ClientId } from '#protocol/ids.ts';
import type { Actor, Origin } from '#protocol/shapes.ts';
import type { Grant } from '#protocol/sharing.ts';
import type { Whereabouts } from './agents/own-session.ts';

/** Over the owner's own socket, at the door where a key must be proven, or with that behind it. `turns`: of all who are at that door. */
export type Entry = { is: 'owner' } | { is: 'shared'; turns: Turns } | { is: 'granted'; grant: Grant; origin: Origin | null };

/** Who a client is, once greeted. */
export type Greeted = {
  client: ClientId;
  actor: Actor;
  /** What a guest may do; null for whoever came over the owner's own socket. */
  grant: Grant | null;
  /** Where an agent's process is, so that it does not drive its own session; null where it may, and for people. */
  whereabouts?: Whereabouts | null;
};
