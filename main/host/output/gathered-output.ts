/** Output on its way to a session's log, gathered to be written together, with when its oldest came. Pure. */

export type OutputRun = {
  readonly start: number;
  readonly parts: Uint8Array[];
  /** Of all parts. */
  readonly bytes: number;
  /** Unix time of its first byte, milliseconds. */
  readonly since: number;
};

export class GatheredOutput {
  #parts: { offset: number; bytes: Uint8Array }[] = [];
  #bytes = 0;
  #since = 0;

  get bytes(): number {
    return this.#bytes;
  }

  add(offset: number, bytes: Uint8Array, wallNow: () => number): void {
    if (this.#parts.length === 0) this.#since = wallNow();
    this.#parts.push({ offset, bytes });
    this.#bytes += bytes.length;
  }

  /** What waits, up to a jump: bytes before and after a hole never share a segment. Empty at `end` where nothing does. */
  takeRun(end: number, wallNow: () => number): OutputRun {
    const start = this.#parts[0]?.offset ?? end;
    let at = start;
    let count = 0;
    for (const { offset, bytes } of this.#parts) {
      if (offset !== at) break;
      at += bytes.length;
      count++;
    }
    const parts = this.#parts.splice(0, count).map(({ bytes }) => bytes);
    const run: OutputRun = { start, parts, bytes: at - start, since: this.#since };
    this.#bytes -= run.bytes;
    this.#since = wallNow(); // of what is behind the jump
    return run;
  }
}
