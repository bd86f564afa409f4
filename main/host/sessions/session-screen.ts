/** A session's screen in this host: drawn from where the last host left it, fed with what comes, drawn again if it breaks. */
import type { Offset, SessionId } from '#protocol/ids.ts';
import type { Size } from '#protocol/shapes.ts';
import type { OutputLog } from '../output/output-log.ts';
import type { SizeHistory } from '../output/size-history.ts';
import type { ScreenCheckpoints } from '../screen/screen-checkpoints.ts';
import type { Snapshot } from '../screen/screen-messages.ts';
import type { Screens } from '../screen/screens.ts';

/** Read at once when a screen is drawn again from storage, bytes. */
const LOAD_BYTES = 512 * 1024;

export type SessionScreenOptions = {
  session: SessionId;
  screens: Screens;
  log: OutputLog;
  checkpoints: ScreenCheckpoints;
  sizes: SizeHistory;
};

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class SessionScreen {
  readonly #options: SessionScreenOptions;
  /** Where the session's output ends now. */
  readonly #end: () => Offset;
  #isOpen = false;
  #opening: Promise<void> | null = null;
  #lineBase = 0;

  constructor(options: SessionScreenOptions, end: () => Offset) {
    this.#options = options;
    this.#end = end;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Given and not parsed yet, bytes. */
  get backlogBytes(): number {
    return this.#options.screens.backlogBytes(this.#options.session);
  }

  /** Opens it where the last host left it: newest checkpoint, then the stored output since. */
  open(): Promise<void> {
    if (this.#opening) return this.#opening;
    const opening = this.#draw();
    this.#opening = opening;
    opening.catch(() => {
      if (this.#opening === opening) this.#opening = null; // the next attempt may work
    });
    return opening;
  }

  /** It broke: it is drawn again from what is stored. */
  async reopen(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#opening = null;
    await this.#options.log.flushed();
    await this.open();
  }

  close(): void {
    this.#isOpen = false;
    this.#opening = null;
    this.#options.screens.close(this.#options.session);
  }

  feed(at: Offset, bytes: Uint8Array): void {
    if (this.#isOpen) this.#options.screens.feed(this.#options.session, at, bytes);
  }

  resize(at: Offset, size: Size): void {
    if (this.#isOpen) this.#options.screens.resize(this.#options.session, at, size);
  }

  /** The output goes on at `offset`, behind a hole. */
  jump(offset: Offset, size: Size): void {
    if (this.#isOpen) this.#options.screens.open(this.#options.session, { offset, size, snapshot: null });
  }

  async snapshot(): Promise<Snapshot> {
    await this.open();
    const snapshot = await this.#options.screens.snapshot(this.#options.session);
    return { ...snapshot, line: snapshot.line + this.#lineBase };
  }

  /** Its own checkpoint: where a later replay may begin. */
  checkpoint({ offset, size, line, text }: Snapshot): void {
    this.#options.checkpoints.add({ offset, size, line: line + this.#lineBase, text: decoder.decode(text) });
  }

  async #draw(): Promise<void> {
    const { session, screens, log, checkpoints, sizes } = this.#options;
    checkpoints.dropAfter(log.end);
    const checkpoint = checkpoints.newest;
    let at = Math.max(checkpoint?.offset ?? 0, log.start) as Offset;
    const isContinuous = checkpoint !== null && at === checkpoint.offset;
    const size = isContinuous ? checkpoint.size : sizes.sizeAt(at);
    screens.open(session, { offset: at, size, snapshot: isContinuous ? encoder.encode(checkpoint.text) : null });
    // The screen counts its lines from its own beginning, checkpoints count them from the session's.
    if (isContinuous && checkpoint.line > 0) this.#lineBase = checkpoint.line - (await screens.snapshot(session)).line;
    let index = sizes.indexFrom(at, size);
    // Output and size changes that come meanwhile are picked up here, until there is nothing left in this turn.
    for (;;) {
      for (let next = sizes.get(index); next && next.offset <= at; next = sizes.get(++index))
        screens.resize(session, next.offset, next.size);
      if (at >= this.#end()) break;
      const bytes = await log.read(at, Math.min(LOAD_BYTES, (sizes.get(index)?.offset ?? this.#end()) - at));
      if (bytes) {
        screens.feed(session, at, bytes);
        at = (at + bytes.length) as Offset;
      } else {
        // A hole, or a damaged file: what follows still draws, on an empty screen.
        at = Math.min(Math.max(log.next(at), at + 1), this.#end()) as Offset;
        screens.open(session, { offset: at, size: sizes.sizeAt(at), snapshot: null });
      }
    }
    this.#isOpen = true;
  }
}
