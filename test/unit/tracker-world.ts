/** A shell and its users as the command tracker sees them, for its tests. */
import type { ActorId, ClientId, Offset, Seq } from '#protocol/ids.ts';
import { CommandTracker, type TrackedCommand, type TrackerEvent } from '#session/command-tracker.ts';
import { encodeMark, type ShellMark } from '#session/shell-marks.ts';

/** The secret in the marks of the tracker's session. */
export const NONCE = '0123456789abcdef';

/** Time and output advance only as told. */
export class World {
  tracker: CommandTracker;
  readonly events: TrackerEvent[] = [];
  offset = 0;
  ms = 0;
  count = 0;
  #seq = 0;

  constructor(nonce: string | null = NONCE) {
    this.tracker = new CommandTracker({ nonce, now: this.now, cwd: '/home/ann' });
  }

  /** Another host comes, with what this one left. */
  nextHost(): void {
    this.tracker = new CommandTracker({ nonce: NONCE, now: this.now, memory: structuredClone(this.tracker.memory) });
  }

  get now() {
    return { wall: 1_700_000_000_000 + this.ms, monotonic: this.ms };
  }

  get lastSeq(): number {
    return this.#seq;
  }

  type(actor: string, text: string, offset = this.offset, seq = ++this.#seq): TrackerEvent[] {
    const unit = {
      actor: actor as ActorId,
      client: `client-of-${actor}` as ClientId,
      seq: seq as Seq,
      bytes: new TextEncoder().encode(text),
      offset: offset as Offset,
    };
    return this.#keep(this.tracker.input(unit, this.now));
  }

  /** The program prints `bytes` bytes of no meaning. */
  print(bytes: number): void {
    this.offset += bytes;
  }

  mark(mark: ShellMark, { nonce = NONCE, count = ++this.count } = {}): TrackerEvent[] {
    return this.sequence(encodeMark(mark, { nonce, count }));
  }

  sequence(text: string): TrackerEvent[] {
    const [, code = '', payload = ''] = /^\x1b\](\d+);(.*)\x07$/s.exec(text) ?? [];
    const start = this.offset as Offset;
    this.offset += text.length;
    return this.#keep(this.tracker.mark({ code: Number(code), payload, start, end: this.offset as Offset }, this.now));
  }

  prompt(): void {
    this.mark({ kind: 'prompt-start' });
    this.print(2);
  }

  /** The shell starts `text`. */
  starts(text: string, flag: 'withheld' | 'unchanged' | null = null): TrackedCommand {
    this.mark({ kind: 'command-line', text, flag });
    this.mark({ kind: 'command-start' });
    return this.last;
  }

  ends(exitCode: number | null = 0): void {
    this.mark({ kind: 'command-end', exitCode });
    this.prompt();
  }

  run(text: string, exitCode = 0): TrackedCommand {
    this.starts(text);
    this.ends(exitCode);
    return this.last;
  }

  get records(): TrackedCommand[] {
    return this.events.flatMap((event) => (event.kind === 'started' || event.kind === 'ended' ? [event.record] : []));
  }

  get last(): TrackedCommand {
    const record = this.records.at(-1);
    if (!record) throw new Error('no record yet');
    return record;
  }

  #keep(events: TrackerEvent[]): TrackerEvent[] {
    this.events.push(...events);
    return events;
  }
}

/** A shell that waits for its first command. */
export function atPrompt(): World {
  const world = new World();
  world.prompt();
  return world;
}
