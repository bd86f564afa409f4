/** A session as a program sees it: it runs commands there, types, waits, and reads what is printed. */
import type { CmdopClient } from '#client/cmdop-client.ts';
import { atPrompt, pasted, typedLine } from '#client/shell-prompt.ts';
import { systemClock } from '#local/clock.ts';
import { CmdopError } from '#protocol/errors.ts';
import type { Offset } from '#protocol/ids.ts';
import { PlainText } from '#session/plain-text.ts';
import type { AttachedSession } from './attached-session.ts';
import type * as Api from './client.d.ts';
import { type CommandNews, CommandRun } from './command-run.ts';
import { conditionOf, type Wanted } from './conditions.ts';
import { isCursorKey, keyBytes } from './keys.ts';
import { expressionPattern, textPattern } from './matching.ts';
import { readOutput } from './output.ts';
import { outputFrom } from './output-stream.ts';
import { SessionFiles } from './session-files.ts';
import { infoOf } from './session-info.ts';
import { abortable, waitUntil } from './wait.ts';

/** Longest that is waited for something without being told how long, milliseconds. */
const USUAL_WAIT_MS = 60_000;
/** Longer than anybody waits, milliseconds: what a timer can hold. */
const NEVER_MS = 2 ** 31 - 1;

const REMEDIES = () => ({
  ended: 'create another one',
  busy: "wait for its end (waitFor({ prompt: true })), or use a session of the program's own",
  notTelling: 'use send and waitFor there, or a session with bash, zsh or fish',
});

export class HostedSession implements Api.Session {
  readonly id: string;
  readonly name: string;
  readonly files: Api.Files;
  readonly #client: CmdopClient;
  readonly #news: CommandNews;
  readonly #attached: AttachedSession;
  readonly #host: string;

  constructor(options: { client: CmdopClient; news: CommandNews; attached: AttachedSession; name: string; host: string }) {
    this.id = options.attached.id;
    this.name = options.name;
    this.files = new SessionFiles(options.client, options.attached.id);
    this.#client = options.client;
    this.#news = options.news;
    this.#attached = options.attached;
    this.#host = options.host;
  }

  async info({ signal }: Api.CallOptions = {}): Promise<Api.SessionInfo> {
    const { session } = await this.#inspect(signal);
    return infoOf(session, this.#host);
  }

  async run(command: string, { timeoutMs = NEVER_MS, signal }: Api.RunOptions = {}): Promise<Api.RunResult> {
    const attached = await this.#operated(signal);
    const { modes, session } = await abortable(atPrompt(this.#client, this.id, { clock: systemClock, remedies: REMEDIES }), signal);
    signalled(signal);
    const hadControl = attached.stream.hasControl;
    const line = typedLine(command, modes.bracketedPaste);
    const run = new CommandRun({ client: this.#client, attached, news: this.#news, before: session.outputEnd, line });
    const how = await run.ended({ timeoutMs, signal: this.#aborted(signal, () => run.withdraw()) });
    signalled(signal);
    // A command that is over types no more: whoever comes next need not wait until that shows.
    if (!hadControl && attached.stream.hasControl) await attached.stream.releaseControl();
    const { record } = run;
    if (how === null)
      throw new CmdopError(
        'timeout',
        `the command did not end in ${this.name} after ${timeoutMs} ms: it goes on, and waitFor({ prompt: true }) waits for it`,
      );
    if (!record || record.to === null) throw new CmdopError('session-ended', `${this.name} ended with the command`, { ...attached.end });
    const { from, to, exitCode, cwd, durationMs, id } = record;
    const piece = await abortable(readOutput(this.#client, attached.id, { from, to, max: to - from }), signal);
    return { output: new PlainText().push(piece.bytes, true), exitCode, cwd, durationMs, from, to, id };
  }

  async send(text: string, { enter = false, signal }: Api.SendOptions = {}): Promise<void> {
    const attached = await this.#operated(signal);
    const isPaste = /[\r\n]/.test(text) && (await this.#inspect(signal)).modes.bracketedPaste;
    const typed = isPaste ? pasted(text) : text.replaceAll(/\r\n?|\n/g, '\r');
    await abortable(attached.type(enter ? `${typed}\r` : typed), signal);
  }

  async press(...keys: string[]): Promise<void> {
    const attached = await this.#operated(undefined);
    const modes = keys.some(isCursorKey) ? (await this.#inspect(undefined)).modes : { applicationCursorKeys: false };
    await attached.type(keys.map((key) => keyBytes(key, modes)).join(''));
  }

  async interrupt({ signal }: Api.CallOptions = {}): Promise<void> {
    await abortable((await this.#operated(signal)).interrupt(), signal);
  }

  async *stream({ from, signal }: Api.StreamOptions = {}): AsyncGenerator<Api.OutputChunk, undefined, undefined> {
    const start = from ?? (await this.#inspect(signal)).session.outputEnd;
    yield* outputFrom(start as Offset, { client: this.#client, attached: this.#attached, signal });
  }

  async waitFor(wanted: Api.Wanted, { timeoutMs = USUAL_WAIT_MS, from, signal }: Api.WaitOptions = {}): Promise<Api.Found> {
    const condition = conditionOf(this.#wanted(wanted, (from as Offset | undefined) ?? null), this.#client, this.#attached);
    const found = await waitUntil<{ line: string } | { ended: true }>({
      look: async () => {
        const line = await condition.look();
        if (line !== null) return { line };
        return this.#attached.end ? { ended: true } : null;
      },
      listen: (wake) => {
        const ends = [this.#attached.listen(wake), this.#news.listen(wake), condition.listen?.(wake) ?? (() => {})];
        return () => {
          for (const end of ends) end();
        };
      },
      ...(condition.againInMs ? { againInMs: condition.againInMs } : {}),
      timeoutMs,
      signal: this.#aborted(signal),
    });
    signalled(signal);
    if (found === null) throw new CmdopError('timeout', `${JSON.stringify(wanted)} did not happen in ${this.name} within ${timeoutMs} ms`);
    if ('ended' in found) throw new CmdopError('session-ended', `${this.name} ended before ${JSON.stringify(wanted)} happened`);
    return { line: found.line === '' ? null : found.line, offset: condition.offset?.() ?? this.#attached.stream.offset };
  }

  async screen({ signal }: Api.CallOptions = {}): Promise<Api.Screen> {
    const { lines, cursor, size, title, offset } = await abortable(this.#client.request('session.screen', { session: this.id }), signal);
    return { lines, cursor, size, title, offset };
  }

  async resize(size: Api.Size, { signal }: Api.CallOptions = {}): Promise<void> {
    await abortable(this.#client.request('session.size', { session: this.id, policy: size }), signal);
  }

  async kill(signalName: Api.KillSignal = 'SIGHUP', { signal }: Api.CallOptions = {}): Promise<void> {
    await abortable(this.#client.request('session.kill', { session: this.id, signal: signalName }), signal);
  }

  async close(): Promise<void> {
    this.#attached.detach();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #inspect(signal: Api.Signal | undefined) {
    return abortable(this.#client.request('session.inspect', { session: this.id }), signal);
  }

  /** Attached to act. */
  async #operated(signal: Api.Signal | undefined): Promise<AttachedSession> {
    await abortable(this.#attached.operate(), signal);
    return this.#attached;
  }

  #wanted(wanted: Api.Wanted, from: Offset | null): Wanted {
    if ('text' in wanted) return { is: 'pattern', pattern: textPattern(wanted.text), from };
    if ('regex' in wanted) return { is: 'pattern', pattern: expressionPattern(wanted.regex), from };
    if ('idleMs' in wanted) return { is: 'idle', idleMs: wanted.idleMs };
    if ('prompt' in wanted) return { is: 'prompt', from };
    if ('exit' in wanted) return { is: 'exit' };
    return { is: 'port', port: wanted.port };
  }

  #aborted(signal: Api.Signal | undefined, also: () => void = () => {}): AbortSignal {
    const over = new AbortController();
    signal?.addEventListener('abort', () => {
      also();
      over.abort();
    });
    return over.signal;
  }
}

function signalled(signal: Api.Signal | undefined): void {
  if (signal?.aborted) throw signal.reason;
}
