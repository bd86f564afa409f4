/** The beginnings of uploads that this host knows of, across its restarts, so that none is left behind for ever. */
import { z } from 'zod';
import type { StateFile, StateFiles } from '../state-files.ts';

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
  readonly #file: StateFile<KnownUpload[]>;
  #uploads: readonly KnownUpload[];

  /** Never throws: a damaged list is an empty one. */
  constructor(files: StateFiles, file: string) {
    this.#file = files.open({
      file,
      shape: z.array(upload).max(MAX_KNOWN),
      whileDamaged: 'what there is of uploads that were cut stays where it is, and is not gone on with',
      whileUnwritten: 'uploads that are cut may stay behind',
    });
    this.#uploads = this.#file.found ?? [];
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
    this.#file.write([...uploads]);
  }
}
