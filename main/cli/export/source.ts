/** What an export is made of, read piece by piece from a host: output with its times and sizes, commands, the session. */
import type { CmdopClient } from '#client/cmdop-client.ts';
import { CmdopError } from '#protocol/errors.ts';
import type { Offset } from '#protocol/ids.ts';
import type { Result } from '#protocol/messages.ts';
import type { CommandRecord, SessionSummary, Size } from '#protocol/shapes.ts';

/** Output asked for at once, bytes. */
const READ_BYTES = 512 * 1024;
const PAGE_ROWS = 500;

/** In the order of the output: its bytes with when they came, changes of size, and commands that begin. */
export type ExportStep =
  | { readonly is: 'output'; readonly at: number; readonly bytes: Uint8Array }
  | { readonly is: 'resize'; readonly at: number; readonly size: Size }
  | { readonly is: 'command'; readonly at: number; readonly command: CommandRecord };

type Timed = { readonly offset: number; readonly at: number };
type Change = { readonly offset: number; readonly step: (at: number) => ExportStep };

export class ExportSource {
  readonly client: CmdopClient;
  readonly session: SessionSummary;
  readonly from: Offset;
  readonly to: Offset;

  /** Everything up to now, without `from` and `to`; what is no longer held at its beginning is left out. */
  constructor(options: { client: CmdopClient; session: SessionSummary; from: Offset; to: Offset }) {
    this.client = options.client;
    this.session = options.session;
    this.from = options.from;
    this.to = options.to;
  }

  /** The screen that the export begins with; null where that is an empty one. */
  async start(): Promise<{ size: Size; text: string; offset: Offset }> {
    const { client, session, from } = this;
    if (from === 0) return { size: await this.#sizeAt(from), text: '', offset: from };
    const screen = () => client.request('replay.screen', { session: session.id, offset: from });
    const near = await screen();
    if (near.isExact) return near;
    await client.request('replay.prepare', { session: session.id }).catch(() => {}); // an older host: then it is a guess
    return screen();
  }

  /** When the export begins, Unix time in milliseconds. */
  async startedAt(): Promise<number> {
    const { times } = await this.#timeline(this.from, 1);
    return times[0]?.[1] ?? this.session.createdAt;
  }

  /** From `offset` on, which is where the screen of `start` stands. */
  async *steps(offset: Offset): AsyncGenerator<ExportStep> {
    const commands = await this.#commands();
    let now = this.session.createdAt;
    for (let from: Offset | null = offset; from !== null && from < this.to; ) {
      const page: Result<'output.timeline'> = await this.#timeline(from, 5_000);
      const to = Math.min(page.next ?? this.to, this.to);
      const changes: Change[] = [
        ...page.sizes.slice(1).map(({ offset: place, size }): Change => ({ offset: place, step: (at) => ({ is: 'resize', at, size }) })),
        ...commands
          .filter((command) => command.from >= Number(from) && command.from < to)
          .map((command): Change => ({ offset: command.from, step: () => ({ is: 'command', at: command.startedAt, command }) })),
      ].sort((a, b) => a.offset - b.offset);
      const times = page.times.map(([place, at]): Timed => ({ offset: place, at }));
      for await (const step of this.#between({ from, to, times, changes, before: now })) {
        now = Math.max(now, step.at);
        yield { ...step, at: now };
      }
      from = page.next;
    }
  }

  /** Output in pieces, without times. What cannot be read is left out. */
  async *output(from: Offset = this.from, to: number = this.to): AsyncGenerator<{ from: number; bytes: Uint8Array }> {
    for (let at: number = from; at < to; ) {
      try {
        const read = await this.client.request('output.read', {
          session: this.session.id,
          from: at as Offset,
          max: Math.min(READ_BYTES, to - at),
        });
        if (read.to === at) return;
        yield { from: at, bytes: Uint8Array.from(Buffer.from(read.bytes, 'base64')) };
        at = read.to;
      } catch (error) {
        if (!(error instanceof CmdopError) || error.code !== 'output-pruned') throw error;
        const behind = error.data?.next ?? (await this.#nextTime(at as Offset));
        if (typeof behind !== 'number' || behind <= at) return;
        at = behind;
      }
    }
  }

  async *#between(page: { from: Offset; to: number; times: Timed[]; changes: Change[]; before: number }): AsyncGenerator<ExportStep> {
    const { times, changes } = page;
    let [time, change, at] = [0, 0, page.before];
    for await (const { from, bytes } of this.output(page.from, page.to)) {
      for (let done = 0; done < bytes.length; ) {
        const place = from + done;
        for (let next = times[time]; next && next.offset <= place; next = times[++time]) at = Math.max(at, next.at);
        for (let next = changes[change]; next && next.offset <= place; next = changes[++change]) yield next.step(at);
        const stop = Math.min(
          from + bytes.length,
          times[time]?.offset ?? Number.POSITIVE_INFINITY,
          changes[change]?.offset ?? Number.POSITIVE_INFINITY,
        );
        yield { is: 'output', at, bytes: bytes.subarray(done, stop - from) };
        done = stop - from;
      }
    }
    for (; change < changes.length; change++) {
      const step = changes[change]?.step(at);
      if (step) yield step;
    }
  }

  /** A hole, or a damaged file, of a host that does not say where it ends: what is behind it is read as far as it can be found. */
  async #nextTime(at: Offset): Promise<number | null> {
    const { times, next } = await this.#timeline(at, 2);
    return times.find(([place]) => place > at)?.[0] ?? next;
  }

  #timeline(from: Offset, limit: number): Promise<Result<'output.timeline'>> {
    return this.client.request('output.timeline', { session: this.session.id, from, limit });
  }

  async #sizeAt(offset: Offset): Promise<Size> {
    const { sizes } = await this.#timeline(offset, 1);
    return sizes[0]?.size ?? this.session.size;
  }

  /** Of the exported part, oldest first. */
  async #commands(): Promise<CommandRecord[]> {
    let found: CommandRecord[] = [];
    for (;;) {
      const before = found[0]?.id;
      const page = await this.client.request('history.list', {
        session: this.session.id,
        limit: PAGE_ROWS,
        ...(before === undefined ? {} : { before }),
      });
      const commands = page.commands.toSorted((a, b) => a.id - b.id);
      found = [...commands, ...found];
      const oldest = commands[0];
      if (!page.more || !oldest || oldest.from < this.from)
        return found.filter((command) => command.from >= this.from && command.from < this.to);
    }
  }
}
