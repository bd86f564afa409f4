/** How a copy is getting on: one line that is written anew, for who watches; nothing for a program. */
import type { WriteStream } from 'node:tty';
import { shownName } from '#session/file-names.ts';
import { cellWidth } from '../../attach/cells.ts';
import { showDuration } from '../times.ts';

/** Written anew at most so often, milliseconds. */
const EVERY_MS = 100;

export class CopyProgress {
  readonly #output: WriteStream | null;
  readonly #now: () => number;
  readonly #startedAt: number;
  /** Of the files under way: what has gone of each, and of how much. */
  readonly #files = new Map<string, { done: number; total: number | null; from: number }>();
  /** Of those that are over. */
  #doneBytes = 0;
  #shownAt = Number.NEGATIVE_INFINITY;
  #remark: string | null = null;

  constructor(output: WriteStream, now: () => number) {
    this.#output = output.isTTY ? output : null;
    this.#now = now;
    this.#startedAt = now();
  }

  moved(name: string, done: number, total: number | null): void {
    const { from = done } = this.#files.get(name) ?? {};
    this.#files.set(name, { done, total, from });
    this.#show();
  }

  over(name: string): void {
    const file = this.#files.get(name);
    this.#files.delete(name);
    if (file) this.#doneBytes += file.done - file.from;
  }

  /** Instead of the progress, until it moves on: that the link broke, say. */
  remark(sentence: string | null): void {
    this.#remark = sentence;
    this.#shownAt = Number.NEGATIVE_INFINITY;
    this.#show();
  }

  clear(): void {
    this.#output?.write('\r\x1b[K');
  }

  #show(): void {
    const now = this.#now();
    if (!this.#output || now - this.#shownAt < EVERY_MS) return;
    this.#shownAt = now;
    const [first] = this.#files;
    if (!first) return;
    const [name, { done, total }] = first;
    const went = [...this.#files.values()].reduce((sum, file) => sum + file.done - file.from, this.#doneBytes);
    const perSecond = went / Math.max(0.001, (now - this.#startedAt) / 1_000);
    const left = total === null || perSecond === 0 ? '' : `  ${showDuration(((total - done) / perSecond) * 1_000)} left`;
    const share = total === null ? bytesText(done) : `${total === 0 ? 100 : Math.floor((done / total) * 100)}% of ${bytesText(total)}`;
    const facts = this.#remark ?? `${share}  ${bytesText(perSecond)}/s${left}${this.#files.size > 1 ? `  +${this.#files.size - 1}` : ''}`;
    const room = Math.max(8, (this.#output.columns || 80) - cellWidth(facts) - 3);
    this.#output.write(`\r\x1b[K${cut(shownName(name), room)}  ${facts}`);
  }
}

export function bytesText(bytes: number): string {
  if (bytes < 1024) return `${Math.round(bytes)} B`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes / 1024;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value.toFixed(value < 10 ? 1 : 0)} ${units[unit]}`;
}

function cut(text: string, width: number): string {
  if (cellWidth(text) <= width) return text;
  const characters = [...text];
  while (cellWidth(characters.join('')) > width - 1) characters.shift();
  return `…${characters.join('')}`;
}
