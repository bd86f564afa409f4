/** Files of a session's machine as a program reads and writes them: whole, in its memory. */
import { randomBytes } from 'node:crypto';
import type { CmdopClient } from '#client/cmdop-client.ts';
import type { FileSink } from '#client/files/file-bytes.ts';
import { download, upload } from '#client/files/transfer.ts';
import { nodeHash } from '#local/node-hash.ts';
import type { CallOptions, FileInfo, Files, Signal, WriteOptions } from './client.d.ts';
import { abortable } from './wait.ts';

export class SessionFiles implements Files {
  readonly #client: CmdopClient;
  readonly #session: string;

  constructor(client: CmdopClient, session: string) {
    this.#client = client;
    this.#session = session;
  }

  async list(path = '.', { signal }: CallOptions = {}): Promise<FileInfo[]> {
    const found: FileInfo[] = [];
    for (;;) {
      const wanted = { session: this.#session, path, from: found.length };
      const { entries, total } = await abortable(this.#client.request('files.list', wanted), signal);
      found.push(...entries.map(({ name, kind, size, modifiedAt, mode }) => ({ name, kind, size, modifiedAt, mode })));
      if (entries.length === 0 || found.length >= total) return found;
    }
  }

  async read(path: string, { signal }: CallOptions = {}): Promise<Uint8Array> {
    const sink = new MemorySink();
    await this.#given(signal, (own) => download({ ...this.#transfer(path), sink, signal: own }));
    return sink.bytes();
  }

  async write(path: string, content: string | Uint8Array, { overwrite = false, mode, signal }: WriteOptions = {}): Promise<string> {
    const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
    const source = { size: bytes.length, read: async (from: number, max: number) => bytes.subarray(from, from + max) };
    const key = randomBytes(16).toString('hex');
    const options = { ...this.#transfer(path), source, key, overwrite, ...(mode === undefined ? {} : { mode }) };
    return (await this.#given(signal, (own) => upload({ ...options, signal: own }))).path;
  }

  #transfer(path: string) {
    return { client: this.#client, session: this.#session, path, newHash: nodeHash };
  }

  /** Ends the transfer itself when `signal` gives it up. */
  #given<T>(signal: Signal | undefined, work: (own: AbortSignal) => Promise<T>): Promise<T> {
    const over = new AbortController();
    signal?.addEventListener('abort', () => over.abort());
    return abortable(work(over.signal), signal);
  }
}

class MemorySink implements FileSink {
  #parts: Uint8Array[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  bytes(): Uint8Array {
    return Buffer.concat(this.#parts);
  }

  async read(from: number, max: number): Promise<Uint8Array> {
    return this.bytes().subarray(from, from + max);
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#parts.push(bytes.slice());
    this.#length += bytes.length;
  }

  async restart(): Promise<void> {
    this.#parts = [];
    this.#length = 0;
  }
}
