/** What the requests about ssh guests, pointing and talking do. */
import type { GUEST_METHODS } from '#protocol/guests.ts';
import type { Service } from '../service.ts';
import { sessionLookups } from '../sessions/session-lookups.ts';
import type { SshShares } from './ssh-shares.ts';
import { type TalkContext, talkHandlers } from './talk.ts';

export function guestService(context: TalkContext & { guests: { shares: SshShares } }): Service<keyof typeof GUEST_METHODS> {
  const { registry, guests } = context;
  const { shares } = guests;
  const { owned } = sessionLookups(registry);
  return {
    handlers: {
      ...talkHandlers(context),
      async 'share.ssh'(connection, { session: reference, ...wanted }, answer) {
        const { actor } = connection.who;
        const session = owned(connection, reference);
        answer(await shares.open(session, wanted, actor));
      },
      'share.ssh.stop'(connection, { session: reference }, answer) {
        const { actor } = connection.who;
        const session = owned(connection, reference);
        shares.stop(session, actor);
        answer({});
      },
    },
    sessionChanged: () => shares.reconcileSoon(),
    closed: () => {},
    dispose: (reason) => shares.dispose({ isResumed: reason === 'upgrade' }),
  };
}
