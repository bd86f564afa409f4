/**
 * Input on its way into a PTY: in order, what is urgent before all that has not begun, and taken back as long as it is not
 * written whole. Pure: whoever owns the PTY takes from the front and says how much of it went in.
 */
import type { ClientId, Seq } from '#protocol/ids.ts';

/** Whose input it is; null for what nobody typed, which cannot be taken back. */
export type UnitName = { client: ClientId; seq: Seq };
export type QueuedInput = { bytes: Uint8Array; unit: UnitName | null; isUrgent?: boolean; written: () => void };
/** A unit that was taken back; `writtenBytes` of it are in the PTY already. */
export type TakenBack = UnitName & { writtenBytes: number };

export class InputQueue {
  #waiting: (QueuedInput & { writtenBytes: number })[] = [];
  #bytes = 0;

  /** Queued and not in the PTY yet. */
  get bytes(): number {
    return this.#bytes;
  }
  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** What is to be written next: the rest of the first. */
  get front(): Uint8Array | null {
    return this.#waiting[0]?.bytes ?? null;
  }

  push(input: QueuedInput): void {
    // A unit that has begun is whole: nothing comes into it.
    const at = input.isUrgent ? Number((this.#waiting[0]?.writtenBytes ?? 0) > 0) : this.#waiting.length;
    this.#waiting.splice(at, 0, { ...input, writtenBytes: 0 });
    this.#bytes += input.bytes.length;
  }

  /** So many bytes of `front` are in the PTY. True if that was all of it, which has been told. */
  took(count: number): boolean {
    const [first] = this.#waiting;
    if (!first) return true;
    this.#bytes -= count;
    first.writtenBytes += count;
    first.bytes = first.bytes.subarray(count);
    if (first.bytes.length > 0) return false;
    this.#waiting.shift();
    first.written();
    return true;
  }

  /** Takes back the units of these clients, or of all, that are not written whole: oldest first. */
  takeBack(clients: ReadonlySet<ClientId> | null): TakenBack[] {
    const taken: TakenBack[] = [];
    this.#waiting = this.#waiting.filter(({ unit, bytes, writtenBytes }) => {
      if (!unit || (clients && !clients.has(unit.client))) return true;
      taken.push({ ...unit, writtenBytes });
      this.#bytes -= bytes.length;
      return false;
    });
    return taken;
  }

  clear(): void {
    this.#waiting = [];
    this.#bytes = 0;
  }
}
