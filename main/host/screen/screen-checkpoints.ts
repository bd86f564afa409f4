/** A session's screen checkpoints: screens at known offsets, from which output is replayed. On disk as JSON lines, oldest first. */
import { appendFile, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Offset } from '#protocol/ids.ts';
import type { Damage } from '../output/segment.ts';
import { KeptScreens } from './kept-screens.ts';
import { parseScreenCheckpoint, type ScreenCheckpoint } from './screen-checkpoint.ts';

export type { ScreenCheckpoint } from './screen-checkpoint.ts';

const FILE = 'checkpoints.jsonl';

/** Output that may be replayed to a client for its scrollback, bytes (DESIGN, section 4). */
export const MAX_REPLAY_BYTES = 2 * 1024 * 1024;
/** Appended lines after which the file is written anew with what is still of use. */
const COMPACT_AFTER = 64;

export class ScreenCheckpoints {
  readonly #file: string;
  readonly #kept: KeptScreens;
  #checkpoints: ScreenCheckpoint[];
  #appended = 0;
  #work: Promise<void> = Promise.resolve();

  private constructor(folder: string, checkpoints: ScreenCheckpoint[]) {
    this.#file = join(folder, FILE);
    this.#kept = new KeptScreens(folder);
    this.#checkpoints = checkpoints;
    this.#appended = checkpoints.length; // hosts that were killed never got round to writing it anew
  }

  /** Reads what is intact; a torn or damaged line is skipped. */
  static async open(folder: string): Promise<ScreenCheckpoints> {
    const lines = await readFile(join(folder, FILE), 'utf8').catch(() => ''); // none yet
    const checkpoints = lines.split('\n').flatMap((line) => parseScreenCheckpoint(line) ?? []);
    return new ScreenCheckpoints(
      folder,
      checkpoints.sort((a, b) => a.offset - b.offset),
    );
  }

  /** Names the lines of the file that are no screen checkpoints, or lie beyond the output's end, which moves on meanwhile. */
  async verify(endNow: () => Offset): Promise<Damage[]> {
    await this.#work;
    const lines = await readFile(this.#file, 'utf8').catch(() => ''); // none yet
    const end = endNow();
    return lines.split('\n').flatMap((line, index) => {
      const checkpoint = line === '' ? null : parseScreenCheckpoint(line);
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
      .then(() => this.#kept.add(checkpoint))
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
