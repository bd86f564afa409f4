/** A terminal that is led through a session's stored output, step by step, from a place where its screen is known. */
import type { Offset } from '#protocol/ids.ts';
import type { Segment } from '../output/segment.ts';
import { type SegmentContent, segmentContent } from '../output/segment-content.ts';
import { findSegments } from '../output/segment-files.ts';
import { SizeHistory } from '../output/size-history.ts';
import type { ScreenCheckpoint } from '../screen/screen-checkpoint.ts';
import { ScreenTerminal } from '../screen/screen-terminal.ts';
import type { ReplaySource } from './replay-messages.ts';

/** Parsed in one step, bytes: marks of the terminal between them stay small. */
const STEP_BYTES = 256 * 1024;

/** `screen`: what stands at `offset`; null for an empty one. */
export type PastStart = { readonly offset: Offset; readonly screen: ScreenCheckpoint | null };

export class PastScreen {
  readonly #folder: string;
  readonly #segments: readonly Segment[];
  readonly #sizes: SizeHistory;
  #terminal: ScreenTerminal;
  #at: number;
  /** The next change of size. */
  #index: number;
  #unpacked: { segment: Segment; content: Promise<SegmentContent | null> } | null = null;
  #hasHole = false;

  constructor({ folder, sizes }: ReplaySource, { offset, screen }: PastStart) {
    this.#folder = folder;
    this.#segments = findSegments(folder).segments;
    this.#sizes = new SizeHistory([...sizes]);
    const size = screen?.size ?? this.#sizes.sizeAt(offset);
    this.#terminal = new ScreenTerminal({ offset, size, snapshot: screen && new TextEncoder().encode(screen.text) });
    this.#at = offset;
    this.#index = this.#sizes.indexFrom(offset, size);
    this.#resize();
  }

  /** Up to where it has been led. */
  get at(): number {
    return this.#at;
  }
  /** Something on the way is not held, or damaged: what is drawn since began with an empty screen. */
  get hasHole(): boolean {
    return this.#hasHole;
  }

  /** One step towards `to`; the screens that the terminal marked on it. Ends where nothing more is held: false. */
  async step(to: number, marked: (screen: ScreenCheckpoint) => void = () => {}): Promise<boolean> {
    const at = this.#at;
    const segment = at < to ? this.#segments.find((each) => each.start + each.bytes > at) : undefined;
    if (!segment) return false;
    const place = at - segment.start;
    const content = place < 0 ? null : await this.#content(segment);
    const damaged = content?.damaged.find((range) => range.to > place);
    const stop = Math.min(
      to,
      at + STEP_BYTES,
      this.#sizes.get(this.#index)?.offset ?? to,
      segment.start + (damaged?.from ?? segment.bytes),
    );
    const bytes = content?.bytes.subarray(place, Math.max(place, stop - segment.start));
    if (bytes && bytes.length > 0) {
      this.#terminal.take(bytes);
      this.#at += bytes.length;
    } else {
      // What follows still draws, on an empty screen.
      this.#hasHole = true;
      this.#at = Math.min(to, place < 0 ? segment.start : segment.start + (damaged?.to ?? segment.bytes));
      this.#terminal.dispose();
      this.#terminal = new ScreenTerminal({ offset: this.#at as Offset, size: this.#sizes.sizeAt(this.#at as Offset), snapshot: null });
    }
    this.#resize();
    // Nobody answers for the past.
    for (const event of this.#terminal.events())
      if (event.kind === 'checkpoint') marked({ ...event.snapshot, text: new TextDecoder().decode(event.snapshot.text) });
    return this.#at < to;
  }

  /** As much of the screen as fits one answer. */
  answer(scrollback: number): ReturnType<ScreenTerminal['answer']> {
    return this.#terminal.answer(scrollback);
  }

  dispose(): void {
    this.#terminal.dispose();
  }

  #resize(): void {
    for (let next = this.#sizes.get(this.#index); next && next.offset <= this.#at; next = this.#sizes.get(++this.#index))
      this.#terminal.resize(next.size);
  }

  /** Each segment is unpacked once. */
  #content(segment: Segment): Promise<SegmentContent | null> {
    if (this.#unpacked?.segment !== segment) this.#unpacked = { segment, content: segmentContent(this.#folder, segment) };
    return this.#unpacked.content;
  }
}
