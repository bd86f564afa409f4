/**
 * What one read of a keeper's link brought, with output that goes on put together: a keeper sends what its terminal gave, some
 * KiB at a time, and a host that is behind would hand each of those to every client by itself. Pure.
 */
import type { FromKeeper } from '../../keeper/wire-messages.ts';

type Output = Extract<FromKeeper, { kind: 'output' }>;

/** In order; what came before a broken frame comes before it throws. */
export function* joinedOutput(messages: Iterable<FromKeeper>): Generator<FromKeeper> {
  let run: Output[] = [];
  let end = 0;
  try {
    for (const message of messages) {
      const goesOn = message.kind === 'output' && message.offset === end;
      if (!goesOn && run.length > 0) {
        yield joined(run);
        run = [];
      }
      if (message.kind === 'output') {
        run.push(message);
        end = message.offset + message.bytes.length;
      } else yield message;
    }
  } catch (error) {
    if (run.length > 0) yield joined(run);
    throw error;
  }
  if (run.length > 0) yield joined(run);
}

function joined(run: readonly Output[]): Output {
  const [first] = run;
  if (first && run.length === 1) return first;
  const bytes = Buffer.concat(run.map((output) => output.bytes));
  return { kind: 'output', offset: first?.offset ?? (0 as Output['offset']), bytes };
}
