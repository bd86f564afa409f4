/** `say` and `point`: beside the program, to everybody who sees a session. */
import type { ParamsInput } from '#protocol/messages.ts';
import { printable } from '../../attach/cells.ts';
import { type Globals, sessionRef, withClient } from '../connect.ts';
import { UsageError } from '../exit-codes.ts';
import { print, printJson } from '../output.ts';

type PointOptions = Globals & { lines?: string; text?: string; clear?: boolean; json?: boolean };

export async function say(globals: Globals, session: string, text: string): Promise<void> {
  if (text.trim() === '') throw new UsageError('the text is empty: cmdop say SESSION TEXT');
  await withClient(globals, (client) => client.request('share.say', { session: sessionRef(session), text }));
}

export async function point(options: PointOptions, session: string): Promise<void> {
  if ((options.lines === undefined) === (options.clear !== true)) throw new UsageError('say where: --lines A..B, or --clear');
  const wanted = options.lines === undefined ? null : parseLines(options.lines);
  const { pointing } = await withClient(options, async (client) => {
    const at = wanted === null || 'last' in wanted ? wanted : { ...wanted, offset: await outputEnd() };
    return client.request('share.point', {
      session: sessionRef(session),
      at,
      ...(options.text === undefined ? {} : { text: options.text }),
    });
    /** Lines of the screen are those of the screen as it is now. */
    async function outputEnd() {
      return (await client.request('session.screen', { session: sessionRef(session) })).offset;
    }
  });
  if (options.json) printJson({ pointing });
  else if (pointing) print(pointing.lines.map((line) => `${printable(line)}\n`).join(''));
}

type Lines = { from: number; to: number } | Extract<NonNullable<ParamsInput<'share.point'>['at']>, { last: unknown }>;

/** `-5..-1`, `3..7`, `-1`. Throws UsageError. */
export function parseLines(text: string): Lines {
  const match = /^(-?\d+)(?:\.\.(-?\d+))?$/.exec(text.trim());
  const from = Number(match?.[1] ?? 0);
  const to = Number(match?.[2] ?? match?.[1] ?? 0);
  if (from === 0 || to === 0 || from < 0 !== to < 0)
    throw new UsageError(`"${text}" are no lines: write -5..-1 for the last five, or 1..5 for the first of the screen`);
  if (from < 0) return { last: { from: -from, to: -to } };
  return { from: from - 1, to: to - 1 };
}
