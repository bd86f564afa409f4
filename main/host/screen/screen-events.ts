/** What the screens say of their sessions, brought to the session that each one belongs to. */
import type { SessionId } from '#protocol/ids.ts';
import type { LiveSession } from '../sessions/live-session.ts';
import type { Screens } from './screens.ts';

export function screenEvents(at: (id: SessionId) => LiveSession | null): ConstructorParameters<typeof Screens>[0]['events'] {
  return {
    reply: (id, bytes) => at(id)?.reply(bytes),
    osc: (id, osc) => {
      at(id)?.osc(osc);
      at(id)?.agentSaw({ is: 'osc', code: osc.code, payload: osc.payload });
    },
    title: (id, title) => at(id)?.titled(title),
    bell: (id) => at(id)?.agentSaw({ is: 'bell' }),
    modes: (id, modes) => at(id)?.commands.modes(modes),
    checkpoint: (id, snapshot) => at(id)?.output.screen.checkpoint(snapshot),
    parsed: (id) => at(id)?.output.caughtUp(),
    lost: (id, message) => {
      console.error(`the screen of ${id} broke: ${message}`);
      at(id)
        ?.output.screen.reopen()
        .catch((error: unknown) => console.error(`the screen of ${id} could not be drawn again:`, error));
    },
  };
}
