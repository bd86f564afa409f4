/**
 * A session's screen checkpoints: screens at known offsets, from which output is replayed. On disk as JSON lines, oldest first,
 * and an empty one, by which a file is known that was cut off between two.
 */
import { open, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Offset } from '#protocol/ids.ts';
import type { Damage } from '../output/segment.ts';
import { damagedScreens, KeptScreens } from './kept-screens.ts';
import { areCut, checkpointLine, hasEnd, parseCheckpointLine, type ScreenCheckpoint } from './screen-checkpoint.ts';

export type { ScreenCheckpoint } from './screen-checkpoint.ts';

const FILE = 'checkpoints.jsonl';

/** Output that may be replayed to a client for its scrollback, bytes (DESIGN, section 4). */
export const MAX_REPLAY_BYTES = 2 * 1024 * 1024;
/** Text of what is kept together, UTF-16 units, and room for the largest one: the oldest go first. */
const MAX_KEPT_TEXT = 4 * 1024 * 1024;
/** Appended lines after which the file is written anew with what is still of use, and the length it must not grow to, bytes. */
const COMPACT_AFTER = 64;
const MAX_FILE_BYTES = 16 * 1024 * 1024;

export class ScreenCheckpoints {
  readonly #folder: string;
  readonly #file: string;
  readonly #kept: KeptScreens;
  #checkpoints: ScreenCheckpoint[];
  #appended = 0;
  /** What its file takes, bytes; null where there is none. */
  #size: number | null;
  /** Where the next line belongs… */
  #place: number;
  /** …and what before it, so that what is damaged stays so, and nothing becomes a part of it. */
  #before: string;
  /** A line may have been written in part. */
  #isTorn = false;
  #work: Promise<void> = Promise.resolve();

  private constructor(folder: string, size: number | null, lines: string) {
    this.#folder = folder;
    this.#file = join(folder, FILE);
    this.#kept = new KeptScreens(folder);
    const checkpoints = lines.split('\n').flatMap((line) => parseCheckpointLine(line) ?? []);
    this.#checkpoints = newestThatFit(checkpoints.sort((a, b) => a.offset - b.offset));
    this.#appended = checkpoints.length; // hosts that were killed never got round to writing it anew
    this.#size = size;
    this.#place = (size ?? 0) - (hasEnd(lines) ? 1 : 0);
    this.#before = `${lines === '' || lines.endsWith('\n') ? '' : '\n'}${size !== null && areCut(lines) ? 'cut off\n' : ''}`;
  }

  /** Reads what is intact; a torn or damaged line is skipped. */
  static async open(folder: string): Promise<ScreenCheckpoints> {
    const file = join(folder, FILE);
    const found = await stat(file).catch(() => null); // none yet
    const lines = found ? await readEnd(file, found.size).catch(() => '') : '';
    return new ScreenCheckpoints(folder, found?.size ?? null, lines);
  }

  /** What its file takes, bytes. */
  get fileBytes(): number {
    return this.#size ?? 0;
  }

  /** Names the lines of the file that are damaged, or lie beyond the output's end, which moves on meanwhile, and damaged screens. */
  async verify(endNow: () => Offset): Promise<Damage[]> {
    const lines = await this.#afterWork(() => readFile(this.#file, 'utf8').catch(() => null)); // none yet
    const end = endNow();
    const damaged = (lines ?? '').split('\n').flatMap((line, index) => {
      const checkpoint = line === '' ? null : parseCheckpointLine(line);
      if (line === '' || (checkpoint && checkpoint.offset <= end)) return [];
      const reason = checkpoint ? `lies at offset ${checkpoint.offset}, beyond the output's end ${end}` : 'is damaged';
      return [{ file: FILE, reason: `line ${index + 1} ${reason}; replays begin elsewhere` }];
    });
    if (lines !== null && areCut(lines)) damaged.push({ file: FILE, reason: 'it was cut off; replays begin elsewhere' });
    return [...damaged, ...(await damagedScreens(this.#folder))];
  }

  get newest(): ScreenCheckpoint | null {
    return this.#checkpoints.at(-1) ?? null;
  }

  /** Checkpoints that lie beyond `end` describe output that was never stored: they are dropped. */
  dropAfter(end: Offset): void {
    this.#checkpoints = this.#checkpoints.filter(({ offset }) => offset <= end);
  }

  add(checkpoint: ScreenCheckpoint): void {
    const oldestUseful = this.#checkpoints.findLastIndex(({ offset }) => checkpoint.offset - offset > MAX_REPLAY_BYTES);
    this.#checkpoints = newestThatFit([...this.#checkpoints.slice(Math.max(0, oldestUseful)), checkpoint]);
    this.#afterWork(() => this.#store(checkpoint).then(() => this.#kept.add(checkpoint))).catch(() => {}); // the output log tells of a full disk
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

  #afterWork<T>(step: () => Promise<T>): Promise<T> {
    const done = this.#work.then(step);
    this.#work = done.then(
      () => {},
      () => {}, // told to who asked
    );
    return done;
  }

  async #store(checkpoint: ScreenCheckpoint): Promise<void> {
    const bytes = Buffer.from(`${this.#before}${checkpointLine(checkpoint)}\n\n`);
    this.#appended++;
    const isLarge = this.#appended >= COMPACT_AFTER || this.#place + bytes.length > MAX_FILE_BYTES;
    if (this.#size === null) return this.#replace([checkpoint]);
    if (isLarge || this.#isTorn) return this.#replace(this.#checkpoints);
    this.#isTorn = true;
    const file = await open(this.#file, 'r+');
    await file.write(bytes, 0, bytes.length, this.#place).finally(() => file.close());
    this.#wrote(this.#place + bytes.length);
  }

  async #replace(checkpoints: readonly ScreenCheckpoint[]): Promise<void> {
    const text = `${checkpoints.map((checkpoint) => `${checkpointLine(checkpoint)}\n`).join('')}\n`;
    this.#appended = 0;
    await writeFile(`${this.#file}.new`, text, { mode: 0o600 });
    await rename(`${this.#file}.new`, this.#file);
    this.#wrote(Buffer.byteLength(text));
  }

  #wrote(size: number): void {
    this.#isTorn = false;
    this.#before = '';
    this.#size = size;
    this.#place = size - 1;
  }
}

/** The last of a file that an older host may have let grow. */
async function readEnd(path: string, size: number): Promise<string> {
  const file = await open(path);
  try {
    const bytes = Buffer.alloc(Math.min(size, MAX_FILE_BYTES));
    const { bytesRead } = await file.read(bytes, 0, bytes.length, size - bytes.length);
    return bytes.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}

function newestThatFit(checkpoints: readonly ScreenCheckpoint[]): ScreenCheckpoint[] {
  let length = 0;
  const tooMuch = checkpoints.findLastIndex(({ text }) => {
    length += text.length;
    return length > MAX_KEPT_TEXT;
  });
  return checkpoints.slice(tooMuch + 1);
}
