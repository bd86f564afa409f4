/**
 * A folder of this machine on its way to a session's: every file of it, some at a time. What is left out and what cannot be
 * sent is named, what is there already is asked about once for all, and begun again it goes on where it was.
 */
import type { CmdopClient } from '#client/cmdop-client.ts';
import { upload } from '#client/files/transfer.ts';
import { CmdopError } from '#protocol/errors.ts';
import { shownName } from '#session/file-names.ts';
import { nodeHash } from '../node-hash.ts';
import { openSource } from './disk-bytes.ts';
import { type CopyJob, jobsToThere, measureFolder } from './folder-jobs.ts';
import { uploadKey } from './upload-key.ts';

/** Files under way at a time, so that many small ones do not each wait for a way there and back. */
const AT_ONCE = 6;
/** Sentences that are kept; how many there were is counted. */
const MAX_REMARKS = 200;

export type FolderUploadState = 'looking' | 'running' | 'asks' | 'done' | 'failed' | 'cancelled';

export type FolderProgress = {
  readonly state: FolderUploadState;
  /** Of the whole folder, as it was when it was looked at. */
  readonly files: number;
  readonly bytes: number;
  readonly doneFiles: number;
  readonly doneBytes: number;
  /** Files that are there already, with something else in them. */
  readonly conflicts: number;
  /** What was left out or could not be sent, and why. */
  readonly remarks: readonly string[];
  readonly remarkCount: number;
  /** Why nothing goes on. */
  readonly message: string | null;
  /** Of the folder over there, absolute, once it is there. */
  readonly path: string | null;
};

export type FolderUploadOptions = {
  client: CmdopClient;
  session: string;
  /** Here, absolute. */
  from: string;
  /** Over there; made where it is not, and filled where it is. */
  to: string;
  changed: () => void;
};

export class FolderUpload {
  readonly #options: FolderUploadOptions;
  /** Files that are there, whole, by their places there. */
  readonly #sent = new Set<string>();
  #conflicts: CopyJob[] = [];
  #remarks: string[] = [];
  #remarkCount = 0;
  #failures = 0;
  #state: FolderUploadState = 'looking';
  #message: string | null = null;
  #path: string | null = null;
  #whole = { files: 0, bytes: 0 };
  /** Of files that are over. */
  #doneBytes = 0;
  /** Of files under way. */
  readonly #under = new Map<CopyJob, number>();
  #abort = new AbortController();

  constructor(options: FolderUploadOptions) {
    this.#options = options;
  }

  get progress(): FolderProgress {
    const under = [...this.#under.values()].reduce((sum, bytes) => sum + bytes, 0);
    return {
      state: this.#state,
      ...this.#whole,
      doneFiles: this.#sent.size,
      doneBytes: this.#doneBytes + under,
      conflicts: this.#conflicts.length,
      remarks: this.#remarks,
      remarkCount: this.#remarkCount,
      message: this.#message,
      path: this.#path,
    };
  }

  /** Begins, or begins again after it was cancelled or failed: what is there already is not sent again. */
  start(): void {
    if (this.#state === 'running' || this.#state === 'asks') return;
    this.#abort = new AbortController();
    [this.#conflicts, this.#remarks, this.#remarkCount, this.#failures] = [[], [], 0, 0];
    void this.#run(() => this.#all());
  }

  /** What to do about the files that are there already, all of them. */
  decide(isOverwriting: boolean): void {
    if (this.#state !== 'asks') return;
    const conflicts = this.#conflicts;
    this.#conflicts = [];
    void this.#run(async () => {
      if (isOverwriting) await this.#each(conflicts, true);
      else for (const { to } of conflicts) this.#remark(`${shownName(to)} was there already, and stays as it is`);
    });
  }

  /** What is there stays; begun again it goes on. */
  cancel(): void {
    if (this.#state === 'done') return;
    this.#abort.abort();
    if (this.#state === 'asks') this.#become('cancelled');
  }

  async #run(work: () => Promise<void>): Promise<void> {
    const { signal } = this.#abort;
    try {
      await work();
      if (signal.aborted) this.#become('cancelled');
      else if (this.#conflicts.length > 0) this.#become('asks');
      else if (this.#failures > 0) this.#become('failed', `${this.#failures} of it could not be sent`);
      else this.#become('done');
    } catch (error) {
      if (signal.aborted) this.#become('cancelled');
      else this.#become('failed', error instanceof Error ? error.message : String(error));
    }
  }

  async #all(): Promise<void> {
    const { client, session, from, to } = this.#options;
    const { signal } = this.#abort;
    this.#become('looking');
    const made = await client.request('files.folder', { session, path: to });
    this.#path = made.path; // wherever the session's shell goes meanwhile
    this.#whole = await measureFolder(from, signal);
    this.#become('running');
    const failed = (error: CmdopError) => this.#fails(error);
    const skipped = (sentence: string) => this.#remark(sentence);
    await this.#each(jobsToThere({ client, session, skipped, failed }, from, made.path), false);
  }

  async #each(jobs: AsyncIterable<CopyJob> | Iterable<CopyJob>, isOverwriting: boolean): Promise<void> {
    this.#become('running');
    const each = (async function* () {
      yield* jobs;
    })();
    let isOver = false;
    const worker = async () => {
      try {
        for await (const job of each) {
          if (isOver || this.#abort.signal.aborted) return;
          if (!this.#sent.has(job.to)) await this.#one(job, isOverwriting);
        }
      } finally {
        isOver = true; // whatever stops one stops the others
      }
    };
    const ends = await Promise.allSettled(Array.from({ length: AT_ONCE }, worker));
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  }

  async #one(job: CopyJob, isOverwriting: boolean): Promise<void> {
    const { client, session } = this.#options;
    const { signal } = this.#abort;
    try {
      const source = await openSource(job.from);
      try {
        const key = await uploadKey(session, job.from, job.to);
        const progress = (done: number) => {
          this.#under.set(job, done);
          this.#options.changed();
        };
        const common = { client, session, path: job.to, newHash: nodeHash, signal, progress };
        const { size } = await upload({ ...common, source, key, overwrite: isOverwriting, mode: source.mode });
        this.#isThere(job, size);
      } finally {
        await source.close();
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof CmdopError) || !error.code.startsWith('file-')) throw error;
      if (error.code !== 'file-exists' || isOverwriting) this.#fails(error);
      else if (await this.#isSame(job)) this.#isThere(job, (await openSize(job.from)) ?? 0);
      else this.#conflicts.push(job);
    } finally {
      this.#under.delete(job);
      this.#options.changed();
    }
  }

  #isThere(job: CopyJob, bytes: number): void {
    this.#sent.add(job.to);
    this.#doneBytes += bytes;
  }

  /** What is there is what would be sent: it was sent before, then. */
  async #isSame({ from, to }: CopyJob): Promise<boolean> {
    const { client, session } = this.#options;
    const ours = await openSize(from);
    const { entry } = await client.request('files.stat', { session, path: to });
    if (ours === null || entry.kind !== 'file' || entry.size !== ours) return false;
    const { hash } = await client.request('files.stat', { session, path: to, hash: true });
    return hash !== null && hash === (await hashHere(from));
  }

  #fails(error: CmdopError): void {
    this.#failures++;
    this.#remark(error.message);
  }

  #remark(sentence: string): void {
    this.#remarkCount++;
    if (this.#remarks.length < MAX_REMARKS) this.#remarks = [...this.#remarks, sentence];
    this.#options.changed();
  }

  #become(state: FolderUploadState, message: string | null = null): void {
    this.#state = state;
    this.#message = message;
    this.#options.changed();
  }
}

async function openSize(path: string): Promise<number | null> {
  const source = await openSource(path);
  await source.close();
  return source.size;
}

async function hashHere(path: string): Promise<string> {
  const source = await openSource(path);
  try {
    const hash = nodeHash();
    for (let at = 0; ; ) {
      const bytes = await source.read(at, 1024 * 1024);
      if (bytes.length === 0) return hash.digest();
      hash.update(bytes);
      at += bytes.length;
    }
  } finally {
    await source.close();
  }
}
