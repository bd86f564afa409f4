/** A session's screen checkpoints: screens at known offsets, from which output is replayed. On disk as JSON lines, oldest first. */
import { appendFile, open, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Offset } from '#protocol/ids.ts';
import type { Damage } from '../output/segment.ts';
import { damagedScreens, KeptScreens } from './kept-screens.ts';
import { checkpointLine, parseCheckpointLine, type ScreenCheckpoint } from './screen-checkpoint.ts';

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
  #fileBytes: number;
  #appended = 0;
  /** The file may end in a line that was torn: what is appended must not become a part of it. */
  #isTorn: boolean;
  #work: Promise<void> = Promise.resolve();

  private constructor(folder: string, checkpoints: ScreenCheckpoint[], { fileBytes, isTorn }: { fileBytes: number; isTorn: boolean }) {
    this.#folder = folder;
    this.#file = join(folder, FILE);
    this.#isTorn = isTorn;
    this.#kept = new KeptScreens(folder);
    this.#checkpoints = newestThatFit(checkpoints);
    this.#fileBytes = fileBytes;
    this.#appended = checkpoints.length; // hosts that were killed never got round to writing it anew
  }

  /** Reads what is intact; a torn or damaged line is skipped. */
  static async open(folder: string): Promise<ScreenCheckpoints> {
    const file = join(folder, FILE);
    const { size } = await stat(file).catch(() => ({ size: 0 })); // none yet
    const lines = await readEnd(file, size).catch(() => '');
    const checkpoints = lines.split('\n').flatMap((line) => parseCheckpointLine(line) ?? []);
    const isTorn = lines !== '' && !lines.endsWith('\n');
    return new ScreenCheckpoints(
      folder,
      checkpoints.sort((a, b) => a.offset - b.offset),
      { fileBytes: size, isTorn },
    );
  }

  /** What its file takes, bytes. */
  get fileBytes(): number {
    return this.#fileBytes;
  }

  /** Names the lines of the file that are damaged, or lie beyond the output's end, which moves on meanwhile, and damaged screens. */
  async verify(endNow: () => Offset): Promise<Damage[]> {
    await this.#work;
    const lines = await readFile(this.#file, 'utf8').catch(() => ''); // none yet
    const end = endNow();
    const damaged = lines.split('\n').flatMap((line, index) => {
      const checkpoint = line === '' ? null : parseCheckpointLine(line);
      if (line === '' || (checkpoint && checkpoint.offset <= end)) return [];
      const reason = checkpoint ? `lies at offset ${checkpoint.offset}, beyond the output's end ${end}` : 'is damaged';
      return [{ file: FILE, reason: `line ${index + 1} ${reason}; replays begin elsewhere` }];
    });
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
    this.#work = this.#work
      .then(() => this.#store(`${checkpointLine(checkpoint)}\n`))
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

  async #store(whole: string): Promise<void> {
    const line = this.#isTorn ? `\n${whole}` : whole;
    const bytes = Buffer.byteLength(line);
    this.#appended++;
    if (this.#appended >= COMPACT_AFTER || this.#fileBytes + bytes > MAX_FILE_BYTES) return this.#rewrite();
    this.#isTorn = true;
    await appendFile(this.#file, line, { mode: 0o600 });
    this.#isTorn = false;
    this.#fileBytes += bytes;
  }

  async #rewrite(): Promise<void> {
    const text = this.#checkpoints.map((checkpoint) => `${checkpointLine(checkpoint)}\n`).join('');
    this.#appended = 0;
    await writeFile(`${this.#file}.new`, text, { mode: 0o600 });
    await rename(`${this.#file}.new`, this.#file);
    this.#isTorn = false;
    this.#fileBytes = Buffer.byteLength(text);
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
