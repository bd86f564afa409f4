/** The sessions' screens, as the host's main thread sees them: it hands bytes to a worker and is told what they did. */
import { Worker } from 'node:worker_threads';
import { CmdopError } from '#protocol/errors.ts';
import type { Offset, SessionId } from '#protocol/ids.ts';
import type { ScreenText, Size, TerminalModes } from '#protocol/shapes.ts';
import type {
  CursorPosition,
  FromWorker,
  OscEvent,
  ScreenAnswers,
  ScreenColors,
  ScreenEvent,
  ScreenQuery,
  ScreenStep,
  Snapshot,
  ToWorker,
} from './screen-messages.ts';
import { DEFAULT_COLORS } from './terminal-colors.ts';

export type { CursorPosition, OscEvent, ScreenColors, Snapshot } from './screen-messages.ts';

/** Called in stream order for each session. */
export type ScreenEvents = {
  /** The terminal's answer to a query of the program: it belongs into the PTY. */
  reply(session: SessionId, bytes: Uint8Array): void;
  osc(session: SessionId, osc: OscEvent): void;
  title(session: SessionId, title: string): void;
  bell(session: SessionId): void;
  /** Every 256 KiB of output and after every resize: the screen and one screenful above it. */
  checkpoint(session: SessionId, snapshot: Snapshot): void;
  /** Everything before `offset` is parsed; at most once for each batch. */
  parsed(session: SessionId, offset: Offset): void;
  modes?(session: SessionId, modes: TerminalModes): void;
  /** A bug of the terminal, for the log: some output was not parsed, and the screen goes on. */
  fault?(session: SessionId, message: string): void;
  /** The session's terminal broke: call `open` again, from the last checkpoint, and feed what came since. */
  lost(session: SessionId, message: string): void;
};

export type ScreenStart = { offset: Offset; size: Size; snapshot: Uint8Array | null; colors?: ScreenColors };

/** Bytes posted in one message at most, so that the worker can begin before all is copied. */
const MAX_STEP_BYTES = 1024 * 1024;
/** Output is gathered this long, milliseconds, or up to this much, bytes: waking the worker costs more than parsing an echo. */
const GATHER_MS = 4;
/** The same for output without an escape: no program waits for an answer to it. */
const PLAIN_GATHER_MS = 60;
const GATHER_BYTES = 256 * 1024;
const ESCAPE = 0x1b;
/** One that ends this often, this close, is started anew only after a pause: something else is wrong, a lack of descriptors, say. */
const MAX_RESTARTS = 5;
const RESTART_WINDOW_MS = 60_000;
const RESTART_PAUSE_MS = 1_000;

type Screen = { fed: number; taken: number; offset: Offset; colors: ScreenColors };
type Waiting = { session: SessionId; resolve(answer: never): void; reject(error: Error): void };

export class Screens {
  readonly #events: ScreenEvents;
  readonly #workerUrl: URL;
  readonly #screens = new Map<SessionId, Screen>();
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker;
  #steps: ScreenStep[] = [];
  /** Views fed and not yet posted, of the session that was fed last. */
  #views: { session: SessionId; offset: Offset; parts: Uint8Array[]; length: number } | null = null;
  #flush: NodeJS.Immediate | null = null;
  #gathering: NodeJS.Timeout | null = null;
  #gatheringMs = 0;
  #nextQuery = 1;
  #restarts: number[] = [];
  #restarting: NodeJS.Timeout | null = null;
  #isDisposed = false;

  constructor({ events, workerUrl }: { events: ScreenEvents; workerUrl?: URL }) {
    this.#events = events;
    this.#workerUrl = workerUrl ?? new URL(import.meta.url.endsWith('.ts') ? './screen-worker.ts' : './screen-worker.mjs', import.meta.url);
    this.#worker = this.#start();
  }

  /** Begins a session's screen with `snapshot` (VT text), or empty. A second `open` begins it anew. */
  open(session: SessionId, { offset, size, snapshot, colors = DEFAULT_COLORS }: ScreenStart): void {
    this.#screens.set(session, { fed: offset, taken: offset, offset, colors });
    this.#step({ kind: 'open', session, offset, size, snapshot, colors });
  }

  /** The next bytes of the session's output, which begin at `offset`. They are copied a little later: nothing may write to them. */
  feed(session: SessionId, offset: Offset, bytes: Uint8Array): void {
    const screen = this.#screens.get(session);
    if (!screen || bytes.length === 0) return; // lost or closed meanwhile
    if (offset !== screen.fed) throw new Error(`screen of ${session} has its output up to ${screen.fed} and was fed from ${offset}`);
    screen.fed += bytes.length;
    const views = this.#views;
    if (views?.session === session && views.length + bytes.length <= MAX_STEP_BYTES) {
      views.parts.push(bytes);
      views.length += bytes.length;
    } else {
      this.#joinViews();
      this.#views = { session, offset, parts: [bytes], length: bytes.length };
    }
    if ((this.#views?.length ?? 0) >= GATHER_BYTES) this.#flushSoon();
    else this.#gather(bytes.includes(ESCAPE) ? GATHER_MS : PLAIN_GATHER_MS);
  }

  /** The terminal has `size` from `offset` on, which must be where the bytes fed end. */
  resize(session: SessionId, offset: Offset, size: Size): void {
    if (this.#screens.has(session)) this.#step({ kind: 'resize', session, offset, size });
  }

  setColors(session: SessionId, colors: ScreenColors): void {
    const screen = this.#screens.get(session);
    if (!screen) return;
    screen.colors = colors;
    this.#step({ kind: 'colors', session, colors });
  }

  /** The screen once everything fed so far is parsed, with up to `scrollback` lines above it. */
  snapshot(session: SessionId, { scrollback = 0 }: { scrollback?: number } = {}): Promise<Snapshot> {
    return this.#ask(session, { kind: 'snapshot', scrollback });
  }

  read(session: SessionId): Promise<ScreenText> {
    return this.#ask(session, { kind: 'read' });
  }

  cursor(session: SessionId): Promise<CursorPosition> {
    return this.#ask(session, { kind: 'cursor' });
  }

  /** Text of an absolute line from a column on, with the lines it wraps into, without trailing blanks; null if it is no longer held. */
  lineText(session: SessionId, line: number, fromCol = 0): Promise<string | null> {
    return this.#ask(session, { kind: 'lineText', line, fromCol });
  }

  /** Rows `from` (inclusive) to `to` (exclusive), as far as they are held, one string a row. */
  linesText(session: SessionId, from: number, to: number): Promise<string[]> {
    return this.#ask(session, { kind: 'linesText', from, to });
  }

  /** Bytes fed and not yet parsed: above a bound, stop reading the PTY. */
  backlogBytes(session: SessionId): number {
    const screen = this.#screens.get(session);
    return screen ? screen.fed - screen.taken : 0;
  }

  /** Up to where the screen is made. */
  parsedOffset(session: SessionId): Offset | null {
    return this.#screens.get(session)?.offset ?? null;
  }

  close(session: SessionId): void {
    if (!this.#screens.delete(session)) return;
    this.#step({ kind: 'close', session });
    this.#reject((waiting) => waiting.session === session, 'the session was closed');
  }

  async dispose(): Promise<void> {
    this.#isDisposed = true;
    if (this.#flush) clearImmediate(this.#flush);
    if (this.#gathering) clearTimeout(this.#gathering);
    if (this.#restarting) clearTimeout(this.#restarting);
    this.#reject(() => true, 'the host ends');
    this.#screens.clear();
    await this.#worker.terminate();
  }

  #ask<K extends ScreenQuery['kind']>(session: SessionId, query: ScreenQuery & { kind: K }): Promise<ScreenAnswers[K]> {
    if (!this.#screens.has(session) || this.#isDisposed) {
      return Promise.reject(new CmdopError('session-ended', `session ${session} has no screen`));
    }
    const id = this.#nextQuery++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { session, resolve, reject });
      this.#step({ kind: 'query', session, id, query });
    });
  }

  #step(step: ScreenStep): void {
    this.#joinViews();
    this.#steps.push(step);
    this.#flushSoon();
  }

  /** One copy, to hand over: what was fed is still read by others. */
  #joinViews(): void {
    const views = this.#views;
    if (!views) return;
    this.#views = null;
    const bytes = new Uint8Array(views.length);
    let at = 0;
    for (const part of views.parts) {
      bytes.set(part, at);
      at += part.length;
    }
    this.#steps.push({ kind: 'bytes', session: views.session, offset: views.offset, bytes });
  }

  #gather(ms: number): void {
    if (this.#gathering && this.#gatheringMs <= ms) return;
    if (this.#gathering) clearTimeout(this.#gathering);
    this.#gatheringMs = ms;
    this.#gathering = setTimeout(() => this.#post(), ms);
  }

  #flushSoon(): void {
    if (this.#flush || this.#isDisposed) return;
    this.#flush = setImmediate(() => this.#post());
  }

  #post(): void {
    if (this.#flush) clearImmediate(this.#flush);
    if (this.#gathering) clearTimeout(this.#gathering);
    this.#flush = null;
    this.#gathering = null;
    this.#joinViews();
    const steps = this.#steps;
    this.#steps = [];
    if (steps.length === 0) return;
    const message: ToWorker = { steps };
    this.#worker.postMessage(
      message,
      steps.flatMap((step) => (step.kind === 'bytes' ? [step.bytes.buffer as ArrayBuffer] : [])),
    );
  }

  #start(): Worker {
    const worker = new Worker(this.#workerUrl, { name: 'cmdop screens' });
    let failure = 'the screen worker ended';
    worker.on('message', (message: FromWorker) => this.#received(message));
    worker.on('error', (error) => {
      failure = error.message;
    });
    worker.on('exit', () => this.#ended(worker, failure));
    return worker;
  }

  #received(message: FromWorker): void {
    if (this.#isDisposed) return;
    if (message.kind === 'progress') {
      const screen = this.#screens.get(message.session);
      if (!screen) return; // closed meanwhile
      screen.taken += message.taken;
      screen.offset = message.offset;
      for (const event of message.events) this.#tell(message.session, event);
      this.#events.parsed(message.session, message.offset);
    } else if (message.kind === 'lost') this.#lose(message.session, message.message);
    else {
      const waiting = this.#waiting.get(message.id);
      if (!waiting) return;
      this.#waiting.delete(message.id);
      if (message.kind === 'answer') waiting.resolve(message.answer as never);
      else waiting.reject(new CmdopError('internal', message.message));
    }
  }

  #tell(session: SessionId, event: ScreenEvent): void {
    const events = this.#events;
    if (event.kind === 'reply') events.reply(session, event.bytes);
    else if (event.kind === 'osc') events.osc(session, event.osc);
    else if (event.kind === 'title') events.title(session, event.title);
    else if (event.kind === 'bell') events.bell(session);
    else if (event.kind === 'checkpoint') events.checkpoint(session, event.snapshot);
    else if (event.kind === 'modes') events.modes?.(session, event.modes);
    else events.fault?.(session, event.message);
  }

  #lose(session: SessionId, message: string): void {
    if (!this.#screens.delete(session)) return;
    this.#reject((waiting) => waiting.session === session, message);
    this.#events.lost(session, message);
  }

  #ended(worker: Worker, failure: string): void {
    if (this.#isDisposed || worker !== this.#worker) return;
    const now = performance.now();
    this.#restarts = [...this.#restarts.filter((at) => now - at < RESTART_WINDOW_MS), now];
    if (this.#restarts.length <= MAX_RESTARTS) return this.#restart(failure);
    console.error(`the screen worker ended ${this.#restarts.length} times in a minute: ${failure}`);
    this.#restarting = setTimeout(() => this.#restart(failure), RESTART_PAUSE_MS);
  }

  #restart(failure: string): void {
    this.#steps = [];
    this.#views = null;
    this.#worker = this.#start();
    for (const session of [...this.#screens.keys()]) this.#lose(session, failure);
  }

  #reject(which: (waiting: Waiting) => boolean, message: string): void {
    for (const [id, waiting] of this.#waiting) {
      if (!which(waiting)) continue;
      this.#waiting.delete(id);
      waiting.reject(new CmdopError('internal', `the screen cannot be read: ${message}`));
    }
  }
}
