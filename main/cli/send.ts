/** `send`: types a text into a session as one unit. */
import type { Globals } from './connect.ts';
import { UsageError } from './exit-codes.ts';
import { expectApplied, withOperator } from './operate.ts';

/** Silent when the program got it; throws the refusal otherwise. */
export async function send(options: Globals & { enter?: boolean }, session: string, text: string): Promise<void> {
  const typed = new TextEncoder().encode(options.enter ? `${text}\r` : text);
  if (typed.length === 0) throw new UsageError('there is nothing to send: give a text, or --enter');
  await withOperator(options, session, async ({ stream }) => expectApplied(await stream.type(typed)));
}
