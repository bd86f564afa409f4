/** What a replay is played from, asked from the host piece by piece: times, sizes, commands, output and screens. */
import type { CmdopClient } from '#client/cmdop-client.ts';
import { CmdopError } from '#protocol/errors.ts';
import type { Offset, SessionId } from '#protocol/ids.ts';
import type { Result } from '#protocol/messages.ts';
import type { CommandRecord, Size } from '#protocol/shapes.ts';
import type { TimeMark } from './replay-time.ts';

/** Output asked for at once, bytes. */
const READ_BYTES = 256 * 1024;
/** Marks of the longest replay: beyond them the last stretch has none, and is played at once. */
const MAX_MARKS = 200_000;
const MAX_COMMANDS = 5_000;

export type ReplayScreen = {
  readonly offset: number;
  readonly size: Size;
  readonly text: Uint8Array;
  readonly isExact: boolean;
  readonly isPlain?: boolean | undefined;
};

export class ReplayRecording {
  readonly #client: CmdopClient;
  readonly #session: SessionId;
  #marks: TimeMark[] = [];
  #sizes: { offset: number; size: Size }[] = [];
  #pieces: { from: number; bytes: Uint8Array }[] = [];
  #reading: Promise<void> | null = null;
  #next: Offset | null = 0 as Offset;
  start = 0;
  end = 0;
  isRecorded = true;

  constructor(client: CmdopClient, session: SessionId) {
    this.#client = client;
    this.#session = session;
  }

  get marks(): readonly TimeMark[] {
    return this.#marks;
  }

  /** Times and sizes of all that is there now; again for what came since. */
  async load(): Promise<void> {
    this.#next ??= this.end as Offset;
    while (this.#next !== null && this.#marks.length < MAX_MARKS) {
      const page: Result<'output.timeline'> = await this.#client.request('output.timeline', {
        session: this.#session,
        from: this.#next,
        limit: 20_000,
      });
      if (this.#marks.length === 0) this.start = page.start;
      this.isRecorded &&= page.isRecorded;
      const known = this.#marks.at(-1)?.offset ?? -1;
      for (const [offset, at] of page.times) if (offset > known) this.#marks.push({ offset, at });
      const knownSize = this.#sizes.at(-1)?.offset ?? -1;
      for (const each of page.sizes) if (each.offset > knownSize) this.#sizes.push(each);
      this.end = page.end;
      this.#next = page.next;
    }
  }

  /** Oldest first; of very many, the newest. */
  async commands(): Promise<CommandRecord[]> {
    let found: CommandRecord[] = [];
    for (;;) {
      const before = found[0]?.id;
      const page = await this.#client.request('history.list', {
        session: this.#session,
        limit: 500,
        ...(before === undefined ? {} : { before }),
      });
      found = [...page.commands.toSorted((a, b) => a.id - b.id), ...found];
      if (!page.more || page.commands.length === 0 || found.length >= MAX_COMMANDS) return found;
    }
  }

  async screenAt(offset: number): Promise<ReplayScreen> {
    const screen = await this.#client.request('replay.screen', { session: this.#session, offset: offset as Offset, scrollback: 500 });
    return { ...screen, text: new TextEncoder().encode(screen.text) };
  }

  /** Resolves when every place is drawn exactly that can be. */
  async prepare(): Promise<void> {
    await this.#client.request('replay.prepare', { session: this.#session });
  }

  cancelPreparing(): void {
    this.#client.request('replay.cancel', { session: this.#session }).catch(() => {}); // the link is broken: it has ended
  }

  /** Changes of size behind `from`, up to `to`. */
  sizesWithin(from: number, to: number): { offset: number; size: Size }[] {
    return this.#sizes.filter(({ offset }) => offset > from && offset <= to);
  }

  /** Output from `from` up to `to`, as far as it is here; what follows is asked for. Null while nothing of it is. */
  output(from: number, to: number): Uint8Array | null {
    const piece = this.#pieces.find((each) => each.from <= from && from < each.from + each.bytes.length);
    const isNearEnd = !piece || piece.from + piece.bytes.length - from < READ_BYTES / 2;
    if (isNearEnd) this.#read(piece ? piece.from + piece.bytes.length : from);
    return piece ? piece.bytes.subarray(from - piece.from, Math.max(0, to - piece.from)) : null;
  }

  #read(from: number): void {
    if (this.#reading || from >= this.end || this.#pieces.some((each) => each.from <= from && from < each.from + each.bytes.length)) return;
    this.#reading = this.#client
      .request('output.read', { session: this.#session, from: from as Offset, max: READ_BYTES })
      .then(({ bytes, to }) => {
        if (to > from)
          this.#pieces = [...this.#pieces.slice(-3), { from, bytes: Uint8Array.from(atob(bytes), (each) => each.charCodeAt(0)) }];
      })
      .catch((error: unknown) => {
        // A hole: the place behind it is drawn as a screen.
        const next = error instanceof CmdopError ? error.data?.next : undefined;
        const behind = typeof next === 'number' ? next : (this.#marks.find((mark) => mark.offset > from)?.offset ?? this.end);
        this.#pieces = [...this.#pieces.slice(-3), { from, bytes: new Uint8Array(Math.min(behind - from, READ_BYTES)) }];
      })
      .finally(() => {
        this.#reading = null;
      });
  }
}
