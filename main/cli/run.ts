/** `run`: types a command at a session's prompt, waits for its end, prints its output and passes its exit code on. */
import type { CmdopClient } from '#client/cmdop-client.ts';
import { atPrompt, typedLine } from '#client/shell-prompt.ts';
import { systemClock } from '#local/clock.ts';
import { CmdopError } from '#protocol/errors.ts';
import type { Offset, Seq } from '#protocol/ids.ts';
import type { CommandRecord, SessionEnd } from '#protocol/shapes.ts';
import { PlainText } from '#session/plain-text.ts';
import { QueryFilter } from '../attach/query-filter.ts';
import { type Globals, sessionRef } from './connect.ts';
import { EXIT, Interrupted, UsageError } from './exit-codes.ts';
import { expectApplied, type Operator, withOperator } from './operate.ts';
import { note } from './output.ts';
import { programExitCode } from './program-exit.ts';
import { commandLine } from './shell-words.ts';
import { parseDuration } from './times.ts';

type Options = Globals & { raw?: boolean; timeout?: string };

/** How it ended: the shell told, or the whole session ended with it. */
type Ending = { record: CommandRecord } | { end: SessionEnd };

export async function run(options: Options, session: string, words: readonly string[]): Promise<void> {
  if (words.length === 0) throw new UsageError('the command is missing: cmdop run SESSION -- COMMAND…');
  const timeoutMs = options.timeout === undefined ? null : parseDuration(options.timeout);
  if (options.timeout !== undefined && timeoutMs === null) {
    throw new UsageError(`"${options.timeout}" is no duration: write 30s, 10m or 1h30m`);
  }
  const watch = new CommandWatch();
  process.exitCode = await withOperator(
    options,
    session,
    async (operator) => {
      const { session: summary, modes } = await atPrompt(operator.client, sessionRef(session), { clock: systemClock, remedies: REMEDIES });
      const line = commandLine(words, summary.command[0] ?? '');
      const verdict = await operator.stream.type(new TextEncoder().encode(typedLine(line, modes.bracketedPaste)));
      expectApplied(verdict);
      const typed = { client: operator.client.clientId, seq: verdict.seq };
      const ending = await first(operator, watch.ended(typed), { timeoutMs, name: summary.name });
      const started = watch.started(typed);
      const range = 'record' in ending ? ending.record : started;
      if (range) await printOutput(operator.client, { session: summary.id, from: range.from, to: range.to }, options.raw === true);
      return exitCode(ending, summary.name);
    },
    {
      watch: true,
      onEvent: ({ event, params }) => {
        if (event === 'command.changed') watch.changed(params.command);
      },
    },
  );
}

const REMEDIES = (name: string) => ({
  ended: 'start another with `cmdop new`',
  busy: `wait for its end, or stop it with \`cmdop kill ${name} --signal INT\``,
  notTelling: 'use bash, zsh or fish, or `cmdop send` and `cmdop screen`',
});

/** Command records as they change, from before the line is typed: one may end before its verdict is here. */
class CommandWatch {
  readonly #records = new Map<number, CommandRecord>();
  #look: () => void = () => {};

  changed(record: CommandRecord): void {
    this.#records.set(record.id, record);
    this.#look();
  }

  started({ client, seq }: { client: string; seq: Seq | null }): CommandRecord | null {
    return [...this.#records.values()].find(({ unit }) => unit?.client === client && unit.seq === seq) ?? null;
  }

  ended(typed: { client: string; seq: Seq | null }): Promise<CommandRecord> {
    return new Promise((resolve) => {
      this.#look = () => {
        const record = this.started(typed);
        if (record && record.endedAt !== null) resolve(record);
      };
      this.#look();
    });
  }
}

/** Whichever comes first of the command's end, the session's, the timeout, and a second Ctrl-C. */
async function first(
  { stream, ended }: Operator,
  commandEnded: Promise<CommandRecord>,
  { timeoutMs, name }: { timeoutMs: number | null; name: string },
): Promise<Ending> {
  let timer: NodeJS.Timeout | null = null;
  let interrupt: () => void = () => {};
  try {
    return await Promise.race<Ending>([
      commandEnded.then((record) => ({ record })),
      ended.then((end) => ({ end })),
      new Promise<never>((_, reject) => {
        if (timeoutMs === null) return;
        const message = `the command still runs in ${name} after ${timeoutMs / 1_000} s: \`cmdop attach ${name}\` shows it`;
        timer = setTimeout(() => reject(new CmdopError('timeout', message)), timeoutMs);
      }),
      new Promise<never>((_, reject) => {
        let presses = 0;
        interrupt = () => {
          if (++presses > 1) reject(new Interrupted(`the command may still run in ${name}: \`cmdop attach ${name}\` shows it`));
          else {
            void stream.type(Uint8Array.of(0x03));
            note('Ctrl-C went to the session; once more gives up waiting');
          }
        };
        process.on('SIGINT', interrupt);
      }),
    ]);
  } finally {
    if (timer) clearTimeout(timer);
    process.off('SIGINT', interrupt);
  }
}

async function printOutput(
  client: CmdopClient,
  range: { session: string; from: Offset; to: Offset | null },
  isRaw: boolean,
): Promise<void> {
  const plain = isRaw || process.stdout.isTTY ? null : new PlainText();
  // A person's terminal must not answer what the program asked of the session's.
  const filter = process.stdout.isTTY ? new QueryFilter() : null;
  let from = range.from;
  let last = '';
  for (;;) {
    const page = await client.request('output.read', { session: range.session, from });
    const to = range.to === null ? page.to : (Math.min(page.to, range.to) as Offset);
    const bytes = Buffer.from(page.bytes, 'base64').subarray(0, to - page.from);
    const isLast = to >= (range.to ?? page.end) || bytes.length === 0;
    const shown = plain ? plain.push(bytes, isLast) : filter ? filter.push(bytes) : bytes;
    if (shown.length > 0) {
      process.stdout.write(shown);
      last = typeof shown === 'string' ? shown.slice(-1) : String.fromCharCode(shown.at(-1) ?? 0);
    }
    if (isLast) break;
    from = to;
  }
  if (process.stdout.isTTY) process.stdout.write(last === '' || last === '\n' ? '\x1b[m' : '\x1b[m\r\n');
}

function exitCode(ending: Ending, name: string): number {
  if ('end' in ending) {
    note(`${name} ended with the command`);
    return programExitCode(ending.end);
  }
  if (ending.record.exitCode !== null) return ending.record.exitCode;
  note('the shell did not tell the exit code');
  return EXIT.failed;
}
