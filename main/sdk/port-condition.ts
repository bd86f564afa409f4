/** Waiting for a port on the machine of a session: the host looks there, and answers when something listens. */
import type { CmdopClient } from '#client/cmdop-client.ts';
import { CmdopError } from '#protocol/errors.ts';
import type { SessionId } from '#protocol/ids.ts';
import type { Condition } from './condition.ts';

/** The host waits so long, milliseconds, and is asked again: what was given up here ends there soon. */
const ASK_MS = 5_000;
/** From one question to the next at least, milliseconds: where the link breaks, or the host takes no more of them. */
const AGAIN_MS = 500;

export function portCondition(wanted: { client: CmdopClient; session: SessionId; port: number }): Condition {
  const { client, session, port } = wanted;
  let isOpen = false;
  let isAsked = false;
  let failure: Error | null = null;
  const ask = async (timeoutMs: number) => {
    try {
      const { isListening } = await client.request('ports.wait', { session, port, timeoutMs });
      isOpen ||= isListening;
    } catch (error) {
      const isLink = error instanceof CmdopError && error.code === 'disconnected';
      if (!isLink) failure = error instanceof Error ? error : new Error(String(error));
    }
  };
  const askOn = async (wake: () => void, isOver: () => boolean) => {
    while (!isOver() && !isOpen && !failure) {
      const nextAt = performance.now() + AGAIN_MS;
      await ask(ASK_MS);
      if (!isOpen) await new Promise((resolve) => setTimeout(resolve, Math.max(0, nextAt - performance.now())));
    }
    wake();
  };
  return {
    look: async () => {
      if (!isAsked) await ask(0);
      isAsked = true;
      if (failure) throw failure;
      return isOpen ? '' : null;
    },
    listen: (wake) => {
      let isOver = false;
      void askOn(wake, () => isOver);
      return () => {
        isOver = true;
      };
    },
  };
}
