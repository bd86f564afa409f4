/** A command as an operator without a window: attached, with every unit settled, across restarts of the host. */
import type { CmdopClient } from '#client/cmdop-client.ts';
import type { ConnectionEvent } from '#client/connection.ts';
import type { Verdict } from '#client/input-outbox.ts';
import type { SessionStream } from '#client/session-stream.ts';
import { CmdopError } from '#protocol/errors.ts';
import type { SessionEnd } from '#protocol/shapes.ts';
import { type Globals, lastingClient, sessionRef } from './connect.ts';
import { note } from './output.ts';

/** How long a host may stay away, or not reach the session, before a command gives up, milliseconds: a restart takes one second. */
const GIVE_UP_MS = 20_000;

export type Operator = {
  readonly client: CmdopClient;
  readonly stream: SessionStream;
  /** Resolves when the session ends. */
  readonly ended: Promise<SessionEnd>;
};

type Options = { watch?: boolean; onEvent?: (event: ConnectionEvent) => void };

/** Does `work` once attached. Rejects with the host's refusal to attach, or when the host stays away. */
export async function withOperator<T>(
  globals: Globals,
  session: string,
  work: (operator: Operator) => Promise<T>,
  options: Options = {},
): Promise<T> {
  const ref = sessionRef(session);
  let giveUp: (error: CmdopError) => void = () => {};
  const isLost = new Promise<never>((_, reject) => {
    giveUp = reject;
  });
  isLost.catch(() => {}); // the race below sees it, if it is still on
  let lostAt: number | null = null;
  const client = await lastingClient(globals, {
    ...options,
    onState: (state) => {
      if (state.is === 'connected') lostAt = null;
      if (state.is !== 'offline') return;
      lostAt ??= performance.now();
      if (performance.now() - lostAt > GIVE_UP_MS) giveUp(state.error);
    },
    refused: giveUp,
  });
  let patience: NodeJS.Timeout | undefined;
  const attached = attach(client, ref, {
    attached() {
      clearTimeout(patience);
      patience = undefined;
    },
    waiting(message) {
      if (patience) return;
      note(message);
      patience = setTimeout(() => giveUp(new CmdopError('session-unreachable', message)), GIVE_UP_MS);
    },
  });
  try {
    return await Promise.race([isLost, attached.then(work)]);
  } finally {
    clearTimeout(patience);
    // A command that is over types no more: the next one need not wait until that shows.
    if (client.state.is === 'connected')
      await Promise.race([isLost, attached])
        .then(({ stream }) => (stream.hasControl ? stream.releaseControl() : undefined))
        .catch(() => {}); // it ends with the link as well
    client.close();
  }
}

function attach(client: CmdopClient, ref: string, told: { attached(): void; waiting(message: string): void }): Promise<Operator> {
  return new Promise((resolve, reject) => {
    let hasEnded: (end: SessionEnd) => void = () => {};
    const ended = new Promise<SessionEnd>((settle) => {
      hasEnded = settle;
    });
    // Output is of no interest here, so all of it counts as parsed.
    const stream: SessionStream = client.attach(ref, {
      snapshot: (_text, _size, parsed) => parsed(),
      output: (_bytes, parsed) => parsed(),
      resized: () => {},
      gap: () => {},
      refused: () => {},
      changed: () => {
        if (stream.waiting !== null) told.waiting(stream.waiting);
        if (!stream.isAttached) return;
        told.attached();
        resolve({ client, stream, ended });
      },
      ended: hasEnded,
      failed: reject,
    });
  });
}

/** Throws what a refused unit means to the person who asked for it. */
export function expectApplied(verdict: Verdict): void {
  if (verdict.verdict === 'applied') return;
  throw new CmdopError(REFUSAL_CODES[verdict.reason], verdict.message);
}

const REFUSAL_CODES = {
  'not-in-control': 'control-held',
  'stale-epoch': 'control-held',
  dropped: 'control-held',
  observer: 'observer',
  'session-ended': 'session-ended',
  policy: 'policy',
  rejected: 'rejected',
  'secret-prompt': 'secret-prompt',
  'agents-paused': 'agents-paused',
} as const;
