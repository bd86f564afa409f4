/** What can be waited for in a session. */
import type { CmdopClient } from '#client/cmdop-client.ts';
import { CmdopError } from '#protocol/errors.ts';
import type { Offset } from '#protocol/ids.ts';
import type { AttachedSession } from './attached-session.ts';
import type { Condition } from './condition.ts';
import { Match, type Pattern } from './matching.ts';
import { portCondition } from './port-condition.ts';

/** Exactly one thing. `from`: count only what came from this offset on; null: what came of what was last typed here, and what is on the screen, as well. */
export type Wanted =
  | { is: 'pattern'; pattern: Pattern; from: Offset | null }
  | { is: 'idle'; idleMs: number }
  | { is: 'prompt'; from: Offset | null }
  | { is: 'exit' }
  | { is: 'port'; port: number };

export function conditionOf(wanted: Wanted, client: CmdopClient, attached: AttachedSession): Condition {
  switch (wanted.is) {
    case 'pattern': {
      const { pattern, from } = wanted;
      const match = new Match({ client, session: attached.id, pattern, from, since: attached.typedAt });
      return { look: () => match.look(), offset: () => match.offset };
    }
    case 'idle':
      return idle(attached, wanted.idleMs);
    case 'port':
      return portCondition({ client, session: attached.id, port: wanted.port });
    case 'prompt':
      return { look: () => atPromptSince(client, attached, wanted.from) };
    case 'exit':
      return { look: async () => (attached.end ? '' : null) };
  }
}

function idle({ stream }: AttachedSession, idleMs: number): Condition {
  let offset = stream.offset;
  let since = performance.now();
  const leftMs = () => since + idleMs - performance.now();
  return {
    look: async () => {
      if (stream.offset !== offset) {
        offset = stream.offset;
        since = performance.now();
      }
      return leftMs() <= 0 ? '' : null;
    },
    againInMs: leftMs,
  };
}

/** Just after Enter the shell has not said yet that it left its prompt: with `from`, a command must have ended since. */
async function atPromptSince(client: CmdopClient, { id }: AttachedSession, from: Offset | null): Promise<string | null> {
  const { session, shellIntegration } = await client.request('session.inspect', { session: id });
  if (!shellIntegration) {
    throw new CmdopError('no-shell-integration', `${session.name} does not tell when it is at a prompt: wait for text or quiet instead`);
  }
  if (session.running !== null) return null;
  if (from === null) return '';
  const { commands } = await client.request('history.list', { session: id, limit: 1 });
  const last = commands.at(-1);
  return last && last.endedAt !== null && (last.to ?? 0) >= from ? '' : null;
}
