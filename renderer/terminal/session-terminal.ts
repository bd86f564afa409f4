/**
 * One session in this window: its stream, its terminal, and what React shows about them as an immutable view.
 *
 * What happens at every keystroke and every byte stays here and out of React: `view` changes only when something that is
 * displayed changed.
 */
import type { SearchAddon } from '@xterm/addon-search';
import type { Terminal } from '@xterm/xterm';
import type { CmdopClient } from '#client/cmdop-client.ts';
import type { SessionSink } from '#client/session-sink.ts';
import type { SessionStream } from '#client/session-stream.ts';
import { TerminalFeed } from '#client/terminal-feed.ts';
import type { CmdopError } from '#protocol/errors.ts';
import type { Offset, SessionId } from '#protocol/ids.ts';
import type { CommandRecord, SessionEnd, Size } from '#protocol/shapes.ts';
import type { EchoPredictionChoice } from '../../preload/api.ts';
import { BlockBars } from './block-bars.ts';
import { BlockTrail } from './block-trail.ts';
import { EchoLayer } from './echo-layer.ts';
import { InputNotices } from './input-notices.ts';
import { type Appearance, makeTerminal, SCROLLBACK_LINES, setAppearance } from './make-terminal.ts';
import { cutOutput } from './output-marks.ts';
import { isPassiveInput } from './passive-input.ts';
import { PointedLines } from './pointed-lines.ts';
import { ReplayCurtain } from './replay-curtain.ts';
import { TerminalScreen } from './terminal-screen.ts';
import { isSameView, type TerminalView } from './terminal-view.ts';

/** Output on its way from a host on this machine, bytes: what a fast terminal parses in some 30 ms, so that Ctrl-C acts at once; a slow one gets less. */
const NEAR_WINDOW_BYTES = 128 * 1024;
/** Command records of a session fetched when it is opened. */
const COMMANDS_FETCHED = 500;

const encoder = new TextEncoder();
const HIDE_CURSOR = encoder.encode('\x1b[?25l');

export type TerminalOptions = {
  client: CmdopClient;
  session: SessionId;
  role: 'operator' | 'observer';
  appearance: Appearance;
  openLink: (url: string) => void;
  onGap: (bytes: number) => void;
  /** Somebody asks for control. */
  onRequest: NonNullable<SessionSink['requested']>;
  echoPrediction: () => EchoPredictionChoice;
};

export class SessionTerminal implements SessionSink {
  readonly session: SessionId;
  readonly terminal: Terminal;
  readonly search: SearchAddon;
  readonly screen: TerminalScreen;
  readonly blocks: BlockBars;
  readonly pointed: PointedLines;
  readonly requested: NonNullable<SessionSink['requested']>;
  readonly #options: TerminalOptions;
  readonly #feed: TerminalFeed;
  readonly #trail: BlockTrail;
  readonly #echo: EchoLayer;
  readonly #notices = new InputNotices(() => this.#refresh());
  readonly #curtain = new ReplayCurtain(() => this.#refresh());
  readonly #listeners = new Set<() => void>();
  #stream: SessionStream | null = null;
  #role: 'operator' | 'observer';
  /** Where the output handed to the terminal ends. */
  #fed = 0 as Offset;
  #view: TerminalView;
  #wasAttached = false;
  #failure: CmdopError | null = null;
  #end: SessionEnd | null = null;
  #isAttaching = false;
  #isDisposed = false;

  constructor(options: TerminalOptions) {
    this.#options = options;
    this.session = options.session;
    this.requested = options.onRequest;
    this.#role = options.role;
    const { terminal, search } = makeTerminal(options.appearance, options.openLink);
    this.terminal = terminal;
    this.search = search;
    this.terminal.onData((text) => this.#typed(text, encoder.encode(text)));
    const byteOf = (character: string) => character.charCodeAt(0);
    this.terminal.onBinary((text) => this.#typed(text, Uint8Array.from(text, byteOf)));
    this.terminal.onResize(() => this.#refresh());
    this.terminal.buffer.onBufferChange(() => this.#refresh());
    this.#feed = new TerminalFeed(this.terminal);
    this.#trail = new BlockTrail(this.terminal);
    this.blocks = new BlockBars(this.terminal, this.#trail);
    this.pointed = new PointedLines(this.terminal, () => this.#stream?.offset ?? (0 as Offset));
    this.screen = new TerminalScreen(this.terminal, (size) => this.#windowResized(size));
    this.#echo = new EchoLayer({
      terminal,
      screen: this.screen,
      choice: options.echoPrediction,
      latencyMs: () => options.client.latencyMs,
    });
    this.#view = this.#currentView();
  }

  get view(): TerminalView {
    return this.#view;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Attaches once the session's command records are there, so that its output is cut at them. */
  async attach(): Promise<void> {
    if (this.#isAttaching || this.#stream) return;
    this.#isAttaching = true;
    await this.fetchCommands();
    this.#isAttaching = false;
    if (this.#isDisposed) return;
    this.#stream = this.#options.client.attach(this.session, this, {
      role: this.#role,
      scrollback: SCROLLBACK_LINES,
      ...(this.#options.client.transportKind === 'unix socket' ? { window: NEAR_WINDOW_BYTES } : {}),
      ...(this.screen.windowSize ? { size: this.screen.windowSize } : {}),
    });
  }

  /** Records that began or ended while nobody told us. */
  async fetchCommands(): Promise<void> {
    try {
      const { commands } = await this.#options.client.request('history.list', { session: this.session, limit: COMMANDS_FETCHED });
      for (const command of commands) this.#trail.setCommand(command);
      this.blocks.mayChange();
    } catch {
      // Without records the terminal works, only its margin stays empty; the history panel shows the error.
    }
  }

  commandChanged(command: CommandRecord): void {
    this.#trail.setCommand(command);
    this.blocks.mayChange();
  }

  /** Joins anew with another role. */
  setRole(role: 'operator' | 'observer'): void {
    if (role === this.#role) return;
    this.#role = role;
    this.#notices.settleRefusal();
    this.#rejoin();
  }

  /** The session has ended and goes on with a new shell: joined anew, since the old attachment ended with it. */
  goOn(): void {
    if (this.#end === null) return;
    this.#end = null;
    this.#curtain.reset();
    this.#rejoin();
  }

  setAppearance(appearance: Appearance): void {
    setAppearance(this.terminal, appearance);
    this.screen.measure();
  }

  async takeControl(): Promise<void> {
    await this.#stream?.takeControl();
    this.#notices.settleRefusal();
    this.#refresh();
  }

  releaseControl = async (): Promise<void> => this.#stream?.releaseControl();

  requestControl = async (reason: string): Promise<boolean> => (await this.#stream?.requestControl(reason)) ?? false;

  /** Forgets input that waits for the host. */
  dropPending(): void {
    this.#stream?.dropPending();
  }

  dispose(): void {
    this.#isDisposed = true;
    this.#notices.dispose();
    this.#curtain.dispose();
    this.blocks.dispose();
    this.pointed.dispose();
    this.#echo.dispose();
    this.#stream?.detach();
    this.screen.dispose();
    this.terminal.dispose();
  }

  snapshot(text: Uint8Array, size: Size, parsed: () => void): void {
    const offset = this.#stream?.offset ?? (0 as Offset);
    this.#fed = offset;
    this.#curtain.draw(this.#stream?.summary?.outputEnd ?? null);
    this.#feed.snapshot(text, size, () => {
      this.#trail.reset();
      this.#echo.reset();
      this.#trail.place(offset, 'chunk');
      parsed();
    });
  }

  output(bytes: Uint8Array, parsed: () => void): void {
    const from = this.#fed;
    this.#fed = (from + bytes.length) as Offset;
    const pieces = cutOutput({ from, bytes, wanted: this.#trail.offsetsWithin(from, this.#fed) });
    for (const piece of pieces) {
      this.#feed.output(piece.bytes, () => {
        if (this.#isDisposed) return;
        this.#trail.place(piece.end, piece.kind);
        if (piece !== pieces.at(-1)) return;
        parsed();
        this.pointed.parsed();
        this.#echo.parsed();
        this.#curtain.parsed(piece.end);
      });
    }
  }

  resized(size: Size): void {
    this.#feed.resized(size);
  }

  gap({ from, to }: { from: Offset; to: Offset }): void {
    this.#options.onGap(to - from);
  }

  refused({ reason, message }: { reason: string; message: string }): void {
    this.#notices.refuse({ reason, message });
    this.#refresh();
  }

  changed(): void {
    this.#refresh();
  }

  ended(end: SessionEnd): void {
    this.#end = end;
    this.#feed.output(HIDE_CURSOR, () => {}); // nothing can be typed; the focus stays, for who scrolls by keys
    this.#refresh();
  }

  failed(error: CmdopError): void {
    this.#failure = error;
    this.#refresh();
  }

  #rejoin(): void {
    this.#stream?.detach();
    this.#stream = null;
    this.#wasAttached = false;
    void this.attach();
    this.#refresh();
  }

  #typed(text: string, bytes: Uint8Array): void {
    const stream = this.#stream;
    if (!stream || this.#end) return;
    if (isPassiveInput(text) && !stream.hasControl) return;
    this.blocks.mark(null);
    this.#echo.typed(text, stream.type(bytes));
  }

  #windowResized(size: Size): void {
    this.#stream?.resize(size);
    this.#refresh();
  }

  #refresh(): void {
    if (this.#isDisposed) return;
    if (this.#stream?.isAttached) {
      this.#wasAttached = true;
      this.#failure = null;
    }
    if (this.#stream?.hasControl) this.#notices.settleRefusal();
    this.#notices.setPending(this.#stream?.pending.units ?? 0);
    const next = this.#currentView();
    if (isSameView(this.#view, next)) return;
    this.#view = next;
    for (const listener of this.#listeners) listener();
  }

  #currentView(): TerminalView {
    const stream = this.#stream;
    return {
      state: this.#failure ? 'failed' : this.#end ? 'ended' : stream?.isAttached ? 'attached' : this.#wasAttached ? 'cut' : 'attaching',
      role: stream?.role ?? this.#role,
      control: stream?.control ?? null,
      hasControl: stream?.hasControl ?? false,
      pendingUnits: this.#notices.pendingUnits,
      size: { cols: this.terminal.cols, rows: this.terminal.rows },
      windowSize: this.screen.windowSize,
      refusal: this.#notices.refusal,
      isDemoted: stream?.role === 'observer' && this.#role === 'operator' && stream.isAttached,
      end: this.#end,
      waiting: stream?.waiting ?? null,
      failure: this.#failure,
      isReplaying: this.#curtain.isDrawn,
      isAlternate: this.terminal.buffer.active.type === 'alternate',
    };
  }
}
