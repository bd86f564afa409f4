/** One command line that a program types at a shell's prompt, until the shell says that it has ended. */
import type { CmdopClient } from '#client/cmdop-client.ts';
import { CmdopError } from '#protocol/errors.ts';
import type { ClientId, Offset, SessionId } from '#protocol/ids.ts';
import type { CommandRecord } from '#protocol/shapes.ts';
import type { AttachedSession } from './attached-session.ts';
import { waitUntil } from './wait.ts';

/** Command records that are remembered. */
const MAX_KEPT = 500;

/** Command records as they were last told; from before a line is typed, since one may end before its verdict is here. */
export class CommandNews {
  readonly #records = new Map<number, CommandRecord>();
  readonly #listeners = new Set<() => void>();

  changed(record: CommandRecord): void {
    this.#records.delete(record.id);
    this.#records.set(record.id, record);
    const oldest = this.#records.keys().next();
    if (this.#records.size > MAX_KEPT && !oldest.done) this.#records.delete(oldest.value);
    for (const listener of [...this.#listeners]) listener();
  }

  /** The record of the command that a unit submitted; units are numbered in each session. */
  of(typed: { client: ClientId; session: SessionId; seq: number | null; since: Offset }): CommandRecord | null {
    const isMeant = ({ session, unit, from }: CommandRecord) =>
      session === typed.session && from >= typed.since && unit?.client === typed.client && unit.seq === typed.seq;
    return [...this.#records.values()].findLast(isMeant) ?? null;
  }

  /** Calls `listener` after every change; the returned function ends that. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

export class CommandRun {
  /** Where the output ended before it was typed. */
  readonly before: Offset;
  readonly #client: CmdopClient;
  readonly #attached: AttachedSession;
  readonly #news: CommandNews;
  #seq: number | null = null;
  #refusal: CmdopError | null = null;
  #isTyped = false;
  #wake: () => void = () => {};

  /** Types `line`, with its Enter. */
  constructor(options: { client: CmdopClient; attached: AttachedSession; news: CommandNews; before: Offset; line: string }) {
    this.before = options.before;
    this.#client = options.client;
    this.#attached = options.attached;
    this.#news = options.news;
    void this.#type(options.line);
  }

  /** It reached the program, or was refused. */
  get isSettled(): boolean {
    return this.#isTyped || this.#refusal !== null;
  }

  /** Null until the shell has told of it. */
  get record(): CommandRecord | null {
    const { clientId: client } = this.#client;
    return this.#isTyped ? this.#news.of({ client, session: this.#attached.id, seq: this.#seq, since: this.before }) : null;
  }

  /** Waits for its end, or that of the session; null: not in time, or given up. Throws what a refusal means. */
  async ended({ timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal }): Promise<'command' | 'session' | null> {
    const look = async () => {
      if (this.#refusal) return 'refused' as const;
      if (typeof this.record?.endedAt === 'number') return 'command' as const;
      return this.#attached.end ? ('session' as const) : null;
    };
    const listen = (wake: () => void) => {
      this.#wake = wake;
      const ends = [this.#attached.listen(wake), this.#news.listen(wake)];
      return () => {
        for (const end of ends) end();
      };
    };
    const how = await waitUntil({ look, listen, timeoutMs: Math.max(0, timeoutMs), signal });
    if (this.#refusal) throw this.#refusal;
    return how === 'refused' ? null : how;
  }

  /** Takes it back while it waits: for control, or for a person's word. */
  withdraw(): void {
    if (!this.isSettled) this.#attached.withdraw();
  }

  async #type(line: string): Promise<void> {
    try {
      const { seq } = await this.#attached.type(line);
      this.#seq = seq;
      this.#isTyped = true;
    } catch (error) {
      this.#refusal = error instanceof CmdopError ? error : new CmdopError('internal', String(error));
    }
    this.#wake();
  }
}
