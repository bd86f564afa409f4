/**
 * A screen for each mebibyte of a session's output, as long as that output is held: from there a replay draws any place
 * soon. A file each, beside the segments, packed.
 */
import { readdirSync } from 'node:fs';
import { readdir, readFile, rename, rm, stat, unlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompress } from 'node:zlib';
import type { Offset } from '#protocol/ids.ts';
import type { Damage } from '../output/segment.ts';
import { parseScreenCheckpoint, type ScreenCheckpoint } from './screen-checkpoint.ts';

/** Output between two, bytes: 30 ms of parsing. */
export const KEPT_APART_BYTES = 1024 * 1024;
/** What claims to be larger is damaged, bytes. */
const MAX_BYTES = 16 * 1024 * 1024;

/** With a checksum: a flipped bit must not become another screen. */
const PACKING = { params: { [constants.ZSTD_c_checksumFlag]: 1 } };

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

export class KeptScreens {
  readonly #folder: string;
  #last: number;

  constructor(folder: string) {
    this.#folder = folder;
    this.#last = Math.max(0, ...offsetsIn(readNames(folder), SCREEN));
  }

  /** Keeps it if there is none near. Rejects where the disk refuses. */
  async add(checkpoint: ScreenCheckpoint): Promise<void> {
    if (checkpoint.offset - this.#last < KEPT_APART_BYTES && checkpoint.offset >= this.#last) return;
    this.#last = checkpoint.offset;
    await keepScreen(this.#folder, checkpoint);
    await this.#dropUseless();
  }

  /** Those whose output is gone. */
  async #dropUseless(): Promise<void> {
    const names = await readdir(this.#folder);
    const start = Math.min(...offsetsIn(names, SEGMENT));
    for (const offset of offsetsIn(names, SCREEN)) if (offset < start) await unlink(screenFile(this.#folder, offset));
  }
}

/** The last one at or before `offset` and not before `start`, or null. */
export async function keptScreenBefore(folder: string, range: { start: Offset; offset: Offset }): Promise<ScreenCheckpoint | null> {
  const fitting = (await keptOffsets(folder)).filter((offset) => offset >= range.start && offset <= range.offset);
  for (const offset of fitting.sort((a, b) => b - a)) {
    const checkpoint = await readScreen(folder, offset);
    if (checkpoint) return checkpoint;
  }
  return null;
}

/** Where those are that are intact. */
export async function intactOffsets(folder: string): Promise<Offset[]> {
  const found: Offset[] = [];
  for (const offset of await keptOffsets(folder)) if (await readScreen(folder, offset)) found.push(offset as Offset);
  return found;
}

/** Names those that are damaged; one that was dropped meanwhile is not. */
export async function damagedScreens(folder: string): Promise<Damage[]> {
  const damaged: Damage[] = [];
  for (const offset of (await keptOffsets(folder)).sort((a, b) => a - b)) {
    const file = screenFile(folder, offset);
    if ((await readScreen(folder, offset)) === null && (await stat(file).catch(() => null)))
      damaged.push({ file: basename(file), reason: 'it is damaged; replays begin elsewhere' });
  }
  return damaged;
}

/** Rejects where the disk refuses, and where the folder is gone. */
export async function keepScreen(folder: string, checkpoint: ScreenCheckpoint): Promise<void> {
  const file = screenFile(folder, checkpoint.offset);
  try {
    await writeFile(`${file}.new`, await compress(JSON.stringify(checkpoint), PACKING), { mode: 0o600 });
    await rename(`${file}.new`, file);
  } catch (error) {
    await rm(`${file}.new`, { force: true });
    throw error;
  }
}

/** Null where it is damaged, or dropped meanwhile. */
async function readScreen(folder: string, offset: number): Promise<ScreenCheckpoint | null> {
  const packed = await readFile(screenFile(folder, offset)).catch(() => null); // dropped
  const text = packed && (await decompress(packed, { maxOutputLength: MAX_BYTES }).catch(() => null)); // damaged
  const checkpoint = text && parseScreenCheckpoint(text.toString());
  return checkpoint && checkpoint.offset === offset ? checkpoint : null;
}

/** Of a folder that is not there: none. */
const keptOffsets = async (folder: string) => offsetsIn(await readdir(folder).catch(() => []), SCREEN);

const SCREEN = /^screen-(\d{16})\.zst$/;
const SEGMENT = /^output-(\d{16})/;
const offsetsIn = (names: readonly string[], form: RegExp) => names.flatMap((name) => form.exec(name)?.[1] ?? []).map(Number);
const screenFile = (folder: string, offset: number) => join(folder, `screen-${String(offset).padStart(16, '0')}.zst`);

function readNames(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // a session that begins
  }
}
