/** The beginnings of uploads that this host knows of, across its restarts, so that none is left behind for ever. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { z } from 'zod';

const upload = z.object({
  id: z.string().max(64),
  session: z.string().max(64),
  sessionName: z.string().max(256),
  /** Of the file that it is to be. */
  path: z.string().max(8192),
  /** Of what is there. */
  partial: z.string().max(8192),
  size: z.number().int().min(0).nullable(),
  by: z.string().max(256),
  at: z.number(),
});
export type KnownUpload = z.infer<typeof upload>;

/** Remembered at most; the oldest is forgotten, and stays where it is. */
const MAX_KNOWN = 1_000;

export class UploadList {
  readonly #file: string;
  #uploads: readonly KnownUpload[];

  /** Never throws: a damaged list is an empty one. */
  constructor(file: string) {
    this.#file = file;
    this.#uploads = read(file);
  }

  get all(): readonly KnownUpload[] {
    return this.#uploads;
  }

  add(known: KnownUpload): void {
    this.#set([...this.#uploads.filter(({ partial }) => partial !== known.partial), known].slice(-MAX_KNOWN));
  }

  remove(partial: string): void {
    if (this.#uploads.some((each) => each.partial === partial)) this.#set(this.#uploads.filter((each) => each.partial !== partial));
  }

  #set(uploads: readonly KnownUpload[]): void {
    this.#uploads = uploads;
    try {
      writeFileSync(`${this.#file}.new`, `${JSON.stringify(uploads)}\n`, { mode: 0o600 });
      renameSync(`${this.#file}.new`, this.#file);
    } catch (error) {
      console.error(`${this.#file} cannot be written; uploads that are cut may stay behind:`, error);
    }
  }
}

function read(file: string): KnownUpload[] {
  try {
    return z
      .array(upload)
      .max(MAX_KNOWN)
      .parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return []; // there was none yet, or it is damaged: then what it named stays where it is
  }
}
