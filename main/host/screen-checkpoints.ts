/** A session's screen checkpoints: screens at known offsets, from which output is replayed. On disk as JSON lines, oldest first. */
import { appendFile, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Offset } from '#protocol/ids.ts';
import { type Size, size as sizeSchema } from '#protocol/shapes.ts';
import type { Damage } from './segment-files.ts';

const FILE = 'checkpoints.jsonl';

export type ScreenCheckpoint = {
  readonly offset: Offset;
  readonly size: Size;
  /** Lines above the top of the screen since the session began. */
  readonly line: number;
  /** VT text for a reset terminal. */
  readonly text: string;
};

/** Output that may be replayed to a client for its scrollback, bytes (DESIGN, section 4). */
export const MAX_REPLAY_BYTES = 2 * 1024 * 1024;
/** Appended lines after which the file is written anew with what is still of use. */
const COMPACT_AFTER = 64;

export class ScreenCheckpoints {
  readonly #file: string;
  #checkpoints: ScreenCheckpoint[];
  #appended = 0;
  #work: Promise<void> = Promise.resolve();

  private constructor(file: string, checkpoints: ScreenCheckpoint[]) {
    this.#file = file;
    this.#checkpoints = checkpoints;
    this.#appended = checkpoints.length; // hosts that were killed never got round to writing it anew
  }

  /** Reads what is intact; a torn or damaged line is skipped. */
  static async open(folder: string): Promise<ScreenCheckpoints> {
    const file = join(folder, FILE);
    const lines = await readFile(file, 'utf8').catch(() => ''); // none yet
    const checkpoints = lines.split('\n').flatMap((line) => parse(line) ?? []);
    return new ScreenCheckpoints(
      file,
      checkpoints.sort((a, b) => a.offset - b.offset),
    );
  }

  /** Names the lines of the file that are no screen checkpoints, or lie beyond the output's end, which moves on meanwhile. */
  async verify(endNow: () => Offset): Promise<Damage[]> {
    await this.#work;
    const lines = await readFile(this.#file, 'utf8').catch(() => ''); // none yet
    const end = endNow();
    return lines.split('\n').flatMap((line, index) => {
      const checkpoint = line === '' ? null : parse(line);
      if (line === '' || (checkpoint && checkpoint.offset <= end)) return [];
      const reason = checkpoint ? `lies at offset ${checkpoint.offset}, beyond the output's end ${end}` : 'is no screen checkpoint';
      return [{ file: FILE, reason: `line ${index + 1} ${reason}; replays begin elsewhere` }];
    });
  }

  get newest(): ScreenCheckpoint | null {
    return this.#checkpoints.at(-1) ?? null;
  }

  /** Checkpoints that lie beyond `end` describe output that was never stored: they are dropped. */
  dropAfter(end: Offset): void {
    this.#checkpoints = this.#checkpoints.filter(({ offset }) => offset <= end);
  }

  add(checkpoint: ScreenCheckpoint): void {
    this.#checkpoints.push(checkpoint);
    const oldestUseful = this.#checkpoints.findLastIndex(({ offset }) => checkpoint.offset - offset > MAX_REPLAY_BYTES);
    if (oldestUseful > 0) this.#checkpoints.splice(0, oldestUseful);
    this.#appended++;
    const isCompacting = this.#appended >= COMPACT_AFTER;
    if (isCompacting) this.#appended = 0;
    this.#work = this.#work
      .then(() => (isCompacting ? this.#rewrite() : appendFile(this.#file, `${JSON.stringify(checkpoint)}\n`, { mode: 0o600 })))
      .catch(() => {}); // the output log tells of a full disk
  }

  /**
   * Where a replay must begin to give `lines` lines above a screen whose top is line `top`, with `end` as the end of the
   * output: the latest checkpoint far enough back, else the earliest within reach; null if there is none.
   */
  before(wanted: { lines: number; top: number; end: Offset }): ScreenCheckpoint | null {
    const inReach = this.#checkpoints.filter(({ offset }) => wanted.end - offset <= MAX_REPLAY_BYTES && offset <= wanted.end);
    return inReach.findLast(({ line }) => line <= wanted.top - wanted.lines) ?? inReach[0] ?? null;
  }

  async flushed(): Promise<void> {
    await this.#work;
  }

  async #rewrite(): Promise<void> {
    const text = this.#checkpoints.map((checkpoint) => `${JSON.stringify(checkpoint)}\n`).join('');
    await writeFile(`${this.#file}.new`, text, { mode: 0o600 });
    await rename(`${this.#file}.new`, this.#file);
  }
}

function parse(text: string): ScreenCheckpoint | null {
  try {
    const { offset, size, line, text: screen } = JSON.parse(text) as ScreenCheckpoint;
    const isWhole = Number.isSafeInteger(offset) && offset >= 0 && Number.isSafeInteger(line) && line >= 0 && typeof screen === 'string';
    const { data } = sizeSchema.safeParse(size); // a terminal of a billion columns would fill the memory
    return isWhole && data ? { offset, size: data, line, text: screen } : null;
  } catch {
    return null; // torn by a crash, or the empty line at the end
  }
}
