/**
 * Plays a session's past into a terminal of its own: nothing that happens here reaches the session. React is told of a view,
 * replaced when something displayed changed.
 */
import type { Terminal } from '@xterm/xterm';
import type { CmdopClient } from '#client/cmdop-client.ts';
import { TerminalFeed } from '#client/terminal-feed.ts';
import type { SessionId } from '#protocol/ids.ts';
import type { CommandRecord, Size } from '#protocol/shapes.ts';
import { type Appearance, makeTerminal, setAppearance } from '../terminal/make-terminal.ts';
import { ReplayRecording } from './replay-recording.ts';
import { ReplayTime } from './replay-time.ts';

export const SPEEDS: readonly number[] = [0.5, 1, 2, 4, 8, 16];
/** Further ahead than this a screen is drawn instead of all that led to it, bytes. */
const JUMP_BYTES = 1024 * 1024;
/** Handed to the terminal in one frame, bytes: a key must be felt between two. */
const FRAME_BYTES = 128 * 1024;
/** What a still window may miss, milliseconds: a tab that was hidden goes on where it was. */
const MAX_FRAME_MS = 250;

export type ReplayView = {
  readonly state: 'loading' | 'ready' | 'empty' | 'failed';
  readonly message: string | null;
  readonly isPlaying: boolean;
  readonly isSeeking: boolean;
  readonly speed: number;
  readonly isIdleSkipped: boolean;
  /** On the line, milliseconds. */
  readonly time: number;
  readonly line: ReplayTime;
  readonly commands: readonly CommandRecord[];
  readonly size: Size;
  readonly isExact: boolean;
  /** The screen is too large to be sent with its colours. */
  readonly isPlain: boolean;
  /** How much of the screens is made that make every place exact, 0 to 1; null when there are no more to come. */
  readonly prepared: number | null;
  readonly isRecorded: boolean;
};

const NO_LINE = new ReplayTime({ marks: [], end: 0, endedAt: 0, isIdleSkipped: false });

export class ReplayPlayer {
  readonly terminal: Terminal;
  readonly #recording: ReplayRecording;
  readonly #feed: TerminalFeed;
  readonly #listeners = new Set<() => void>();
  #view: ReplayView;
  /** Output handed to the terminal so far. */
  #offset = 0;
  #frame = 0;
  #frameAt = 0;
  /** The place that is to be shown next, while another is still being drawn. */
  #wanted: number | null = null;
  /** All screens are made that could be. */
  #isPrepared = false;
  #isDisposed = false;

  constructor(options: { client: CmdopClient; session: SessionId; appearance: Appearance }) {
    const { terminal } = makeTerminal(options.appearance, () => {});
    terminal.options.disableStdin = true;
    terminal.options.cursorBlink = false;
    this.terminal = terminal;
    this.#feed = new TerminalFeed(terminal);
    this.#recording = new ReplayRecording(options.client, options.session);
    this.#view = {
      state: 'loading',
      message: null,
      isPlaying: false,
      isSeeking: false,
      speed: 1,
      isIdleSkipped: true,
      time: 0,
      line: NO_LINE,
      commands: [],
      size: { cols: terminal.cols, rows: terminal.rows },
      isExact: true,
      isPlain: false,
      prepared: null,
      isRecorded: true,
    };
  }

  get view(): ReplayView {
    return this.#view;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Shows the place `at`: an offset of the output; its end where there is none. */
  async open(at: number | null): Promise<void> {
    try {
      await this.#recording.load();
      const commands = await this.#recording.commands();
      if (this.#isDisposed) return;
      if (this.#recording.marks.length === 0) return this.#change({ state: 'empty' });
      this.#change({ state: 'ready', commands, line: this.#newLine(this.#view.isIdleSkipped), isRecorded: this.#recording.isRecorded });
      this.seek(at === null ? this.#view.line.duration : this.#view.line.timeOf(at), at ?? undefined);
      void this.#prepare();
    } catch (error) {
      this.#fail(error);
    }
  }

  setAppearance(appearance: Appearance): void {
    setAppearance(this.terminal, appearance);
  }

  play(): void {
    const { state, isPlaying, time, line } = this.#view;
    if (state !== 'ready' || isPlaying) return;
    if (time >= line.duration) {
      void this.#goOn();
      return;
    }
    this.#change({ isPlaying: true });
    this.#frameAt = performance.now();
    this.#frame = requestAnimationFrame(this.#tick);
  }

  pause(): void {
    cancelAnimationFrame(this.#frame);
    this.#change({ isPlaying: false });
  }

  toggle(): void {
    if (this.#view.isPlaying) this.pause();
    else this.play();
  }

  setSpeed(speed: number): void {
    this.#change({ speed });
  }

  skipIdle(isIdleSkipped: boolean): void {
    const moment = this.#view.line.momentAt(this.#view.time);
    const line = this.#newLine(isIdleSkipped);
    this.#change({ isIdleSkipped, line, time: moment === null ? 0 : line.timeAt(moment) });
  }

  /** Goes to a time on the line, or exactly to an offset there. */
  seek(time: number, offset = this.#view.line.offsetAt(time)): void {
    const { line } = this.#view;
    this.#change({ time: Math.min(Math.max(0, time), line.duration) });
    this.#show(offset);
  }

  /** To the next place at which something was printed, or the one before. */
  step(by: 1 | -1): void {
    this.pause();
    this.seek(this.#view.line.step(this.#view.time, by));
  }

  /** To where the next command begins, or the one before. */
  stepCommand(by: 1 | -1): void {
    const { line, time, commands } = this.#view;
    const times = commands.map((command) => line.timeOf(command.from)).sort((a, b) => a - b);
    const to = by === 1 ? times.find((each) => each > time + 1) : times.findLast((each) => each < time - 1);
    this.seek(to ?? (by === 1 ? line.duration : 0));
  }

  /** What the host says of its progress. */
  progressed({ done, total }: { done: number; total: number }): void {
    if (this.#view.prepared !== null) this.#change({ prepared: done / Math.max(1, total) });
  }

  dispose(): void {
    if (this.#view.prepared !== null) this.#recording.cancelPreparing();
    this.#isDisposed = true;
    cancelAnimationFrame(this.#frame);
    this.#listeners.clear();
    this.terminal.dispose();
  }

  /** Has the screens made that are missing; a place that was a guess is drawn anew then. */
  async #prepare(): Promise<void> {
    this.#change({ prepared: 0 });
    await this.#recording.prepare().catch(() => {}); // an older host, or no room on its disk: guesses stay what they are
    if (this.#isDisposed) return;
    this.#isPrepared = true;
    if (this.#view.isExact) this.#change({ prepared: null });
    else this.#show(this.#offset); // until that is drawn it is the guess that was told of
  }

  /** A session that runs has printed more by now; else it is played from the beginning. */
  async #goOn(): Promise<void> {
    const before = this.#recording.end;
    try {
      await this.#recording.load();
      if (this.#isDisposed) return;
      this.#change({ line: this.#newLine(this.#view.isIdleSkipped) });
      if (this.#recording.end === before) this.seek(0);
      if (this.#view.line.duration > 0) this.play();
    } catch (error) {
      this.#fail(error);
    }
  }

  #newLine(isIdleSkipped: boolean): ReplayTime {
    const { marks, end } = this.#recording;
    return new ReplayTime({ marks, end, endedAt: marks.at(-1)?.at ?? 0, isIdleSkipped });
  }

  /** One place at a time, the last asked for next: a hand on the scrubber asks for hundreds. */
  #show(offset: number): void {
    if (this.#wanted !== null || this.#view.isSeeking) {
      this.#wanted = offset;
      return;
    }
    this.#change({ isSeeking: true });
    this.#recording
      .screenAt(offset)
      .then((screen) => {
        if (this.#isDisposed) return;
        this.#offset = screen.offset;
        this.#feed.snapshot(screen.text, screen.size, () => this.#shown());
        this.#change({
          isExact: screen.isExact,
          isPlain: screen.isPlain ?? false,
          size: screen.size,
          ...(this.#isPrepared ? { prepared: null } : {}),
        });
      })
      .catch((error: unknown) => this.#fail(error));
  }

  #shown(): void {
    if (this.#isDisposed) return;
    const next = this.#wanted;
    this.#wanted = null;
    this.#change({ isSeeking: false });
    if (next !== null) this.#show(next);
  }

  readonly #tick = (now: number): void => {
    if (this.#isDisposed || !this.#view.isPlaying) return;
    const passed = Math.min(MAX_FRAME_MS, Math.max(0, now - this.#frameAt)) * this.#view.speed;
    this.#frameAt = now;
    if (!this.#view.isSeeking && !this.#feed.isBusy) this.#advance(passed);
    const { time, line } = this.#view;
    if (time >= line.duration && this.#offset >= line.end) this.pause();
    else this.#frame = requestAnimationFrame(this.#tick);
  };

  /** Time passes only as fast as the output is here and parsed. */
  #advance(passed: number): void {
    const { line } = this.#view;
    const time = Math.min(line.duration, this.#view.time + passed);
    const target = line.offsetAt(time);
    if (target - this.#offset > JUMP_BYTES) {
      this.#change({ time });
      this.#show(target);
      return;
    }
    if (target > this.#offset) {
      const resize = this.#recording.sizesWithin(this.#offset, target)[0];
      const to = Math.min(target, this.#offset + FRAME_BYTES, resize?.offset ?? target);
      const bytes = this.#recording.output(this.#offset, to);
      if (!bytes || bytes.length === 0) return; // it is on its way
      this.#feed.output(bytes, () => {});
      this.#offset += bytes.length;
      if (resize && this.#offset === resize.offset) {
        this.#feed.resized(resize.size);
        this.#change({ size: resize.size });
      }
      if (this.#offset < target) return; // the rest with the next frame
    }
    this.#change({ time });
  }

  #fail(error: unknown): void {
    if (!this.#isDisposed)
      this.#change({
        state: 'failed',
        isPlaying: false,
        isSeeking: false,
        message: error instanceof Error ? error.message : String(error),
      });
  }

  #change(change: Partial<ReplayView>): void {
    if (this.#isDisposed) return;
    this.#view = { ...this.#view, ...change };
    for (const listener of this.#listeners) listener();
  }
}
