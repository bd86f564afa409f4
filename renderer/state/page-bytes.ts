/** Files as a transfer reads and writes them in a page: what the person chose or dropped, and what is kept until it is saved. */
import type { FileSink, FileSource } from '#client/files/file-bytes.ts';

/** Gathered before it is given to the browser, which keeps it on its disk, bytes. */
const BLOB_BYTES = 8 * 1024 * 1024;

export const fileSource = (file: File): FileSource => ({
  size: file.size,
  read: async (from, max) => new Uint8Array(await file.slice(from, from + max).arrayBuffer()),
});

/** Keeps what comes outside of the page's own memory, until it is saved. */
export class PageSink implements FileSink {
  #blobs: Blob[] = [];
  #pieces: Uint8Array<ArrayBuffer>[] = [];
  #gathered = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  async read(from: number, max: number): Promise<Uint8Array> {
    return new Uint8Array(
      await this.whole()
        .slice(from, from + max)
        .arrayBuffer(),
    );
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#pieces.push(bytes.slice());
    this.#gathered += bytes.length;
    this.#length += bytes.length;
    if (this.#gathered >= BLOB_BYTES) this.#gather();
  }

  async restart(): Promise<void> {
    this.#blobs = [];
    this.#pieces = [];
    this.#gathered = 0;
    this.#length = 0;
  }

  /** No type: a browser that knew one might show it instead of saving it. */
  whole(): Blob {
    this.#gather();
    return new Blob(this.#blobs, { type: 'application/octet-stream' });
  }

  #gather(): void {
    if (this.#pieces.length > 0) this.#blobs.push(new Blob(this.#pieces));
    this.#pieces = [];
    this.#gathered = 0;
  }
}

/** Has the browser save it, as it saves downloads. */
export function saveAs(name: string, blob: Blob): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000); // once the download has begun for certain
}
