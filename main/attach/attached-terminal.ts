/** One session in one terminal, until it ends or the person detaches: what is typed goes there, what it shows comes here. */
import type { CmdopClient } from '#client/cmdop-client.ts';
import type { ConnectionEvent } from '#client/connection.ts';
import type { Verdict } from '#client/input-outbox.ts';
import type { SessionSink } from '#client/session-sink.ts';
import type { SessionStream } from '#client/session-stream.ts';
import type { CmdopError } from '#protocol/errors.ts';
import type { Actor, SessionEnd, SessionSummary, Size } from '#protocol/shapes.ts';
import { AttachView } from './attach-view.ts';
import { printable } from './cells.ts';
import { InputUnits, isAutomatic, type OwnKeys } from './input-units.ts';
import { Talk } from './talk.ts';
import { PUSH_TITLE } from './terminal-modes.ts';
import type { Tty, TtyListener } from './tty.ts';
import type { Prediction } from './typed-echo.ts';

/** Lines of scrollback that a fresh attach brings into the terminal's own. */
const SCROLLBACK_LINES = 1000;
/** An unfinished paste or mark is typed as it is after this long, milliseconds: the rest is not coming. */
const UNFINISHED_MS = 500;

/** How it ended, apart from an error. */
export type Ending = { by: 'detach' } | { by: 'end'; end: SessionEnd };

export type AttachedOptions = {
  client: CmdopClient;
  /** The session, as the host is asked for it. */
  session: string;
  keys: OwnKeys;
  /** Only looks on. */
  isObserver: boolean;
  /** Takes control at once. */
  takesControl: boolean;
  /** Of the terminal before it is opened. */
  size: Size;
  /** Output that may be on its way to this terminal, bytes; the host's choice when absent. */
  windowBytes?: number;
  /** Takes the terminal over: called once there is something to show, so that what fails before leaves it alone. */
  open(listener: TtyListener): Tty;
  /** Said when the session is first shown, or null. */
  greeting(session: SessionSummary | null): string | null;
  /** How somebody else is given control, a sentence's start, or null where this person cannot. */
  wayToGrant(asker: string): string | null;
  /** Something was typed while the host is gone. */
  typedOffline(): void;
  /** The session cannot be reached yet, and there is no terminal open to say so in. */
  waiting?(message: string): void;
  /** When typing is foretold; absent where the terminal itself is far from here: it would come no sooner than the echo. */
  prediction?: Omit<Prediction, 'latencyMs'>;
  /** Control, or what is typed and has no verdict yet, changed. */
  changed?(): void;
};

export class AttachedTerminal {
  readonly #options: AttachedOptions;
  readonly #units: InputUnits;
  readonly #ended: Promise<Ending>;
  readonly #stream: SessionStream;
  #end: (ending: Ending) => void = () => {};
  #fail: (error: CmdopError) => void = () => {};
  #tty: Tty | null = null;
  #view: AttachView | null = null;
  /** Wants the control that we have. */
  #asker: Actor | null = null;
  #unfinished: NodeJS.Timeout | null = null;
  /** Why its host cannot reach the session, as it was said. */
  #waiting: string | null = null;
  readonly #talk: Talk;

  constructor(options: AttachedOptions) {
    this.#options = options;
    this.#units = new InputUnits(options.keys);
    this.#ended = new Promise((resolve, reject) => {
      this.#end = resolve;
      this.#fail = reject;
    });
    this.#talk = new Talk({
      client: options.client,
      key: options.keys.talk ?? null,
      session: () => this.#session,
      view: () => this.#view,
      type: (bytes) => this.#type(bytes),
      complain: (sentence) => this.#complain(sentence),
    });
    this.#ended.catch(() => {}); // whoever waits sees it
    this.#stream = options.client.attach(options.session, this.#sink(), {
      role: options.isObserver ? 'observer' : 'operator',
      size: options.size,
      scrollback: SCROLLBACK_LINES,
      ...(options.windowBytes === undefined ? {} : { window: options.windowBytes }),
    });
  }

  get #session(): string {
    return this.#stream.sessionId ?? this.#options.session;
  }
  get name(): string {
    return this.#stream.summary?.name ?? this.#options.session;
  }
  /** The terminal was taken over. */
  get isOpen(): boolean {
    return this.#tty !== null;
  }
  /** Bytes typed that have no verdict yet. */
  get pendingBytes(): number {
    return this.#stream.pending.bytes;
  }

  /** Resolves when the session ends or the person leaves; rejects when it cannot be shown any more. */
  async whenEnded(): Promise<Ending> {
    const ending = await this.#ended;
    this.#view?.settle();
    this.#stream.detach();
    return ending;
  }

  /** Says something until it is no longer true: null. */
  sayLasting(sentence: string | null): void {
    this.#view?.sayLasting(sentence);
  }

  /** What the host tells beside the session itself. */
  heard(event: ConnectionEvent): void {
    this.#talk.heard(event);
  }

  /** It is over, for a reason of the owner's. */
  fail(error: CmdopError): void {
    this.#fail(error);
  }

  /** What gives the terminal back. Nothing is drawn after it. */
  dispose(): string {
    if (this.#unfinished) clearTimeout(this.#unfinished);
    const last = this.#view?.leaving() ?? '';
    this.#view?.dispose();
    return last;
  }

  #sink(): SessionSink {
    return {
      snapshot: (text, size, parsed) => {
        this.#opened().snapshot(text, size);
        this.#whenTaken(parsed);
      },
      output: (bytes, parsed) => {
        this.#opened().output(bytes);
        this.#whenTaken(parsed);
      },
      resized: (size) => this.#view?.sessionResized(size),
      gap: () => this.#view?.say('some output was skipped: this terminal was too slow for it'),
      refused: (refusal) => this.#refused(refusal),
      changed: () => this.#changed(),
      ended: (end) => this.#end({ by: 'end', end }),
      failed: (error) => this.#fail(error),
      requested: ({ by, reason }) => this.#requested(by, reason),
    };
  }

  #changed(): void {
    const waiting = this.#stream?.waiting ?? null;
    if (waiting !== this.#waiting) this.#waits(waiting);
    this.#options.changed?.();
  }

  #waits(message: string | null): void {
    this.#waiting = message;
    if (message === null) return this.sayLasting(null);
    // Why comes last: it is the longest, and what does not fit is cut.
    this.sayLasting(`waiting for ${printable(this.name)}; ${this.#options.keys.detach.name} detaches (${printable(message)})`);
    if (!this.#view) this.#options.waiting?.(message);
  }

  #whenTaken(then: () => void): void {
    if (this.#tty) this.#tty.whenTaken(then);
    else then();
  }

  #opened(): AttachView {
    if (this.#view) return this.#view;
    const tty = this.#options.open({
      input: (bytes) => this.#input(bytes),
      resized: (size) => {
        this.#view?.windowResized(size);
        this.#stream.resize(size);
      },
      continued: () => {
        this.#view?.redraw();
        this.#options.client.networkChanged(); // it may be, after a stop of any length
      },
      closed: () => this.#end({ by: 'detach' }),
      leaving: () => this.#view?.leaving() ?? '',
    });
    this.#tty = tty;
    const { prediction, client } = this.#options;
    const view = new AttachView({
      window: tty.size,
      write: (bytes) => tty.write(bytes),
      sizeReason: () => this.#sizeReason(),
      prediction: prediction ? { ...prediction, latencyMs: () => client.latencyMs } : null,
    });
    this.#view = view;
    tty.write(`${PUSH_TITLE}\x1b[${tty.size.rows};1H${'\n'.repeat(tty.size.rows)}`); // what was there goes to the scrollback
    if (this.#options.takesControl) this.#take();
    const greeting = this.#options.greeting(this.#stream.summary);
    if (greeting !== null) view.say(greeting);
    return view;
  }

  #input(bytes: Uint8Array): void {
    if (this.#unfinished) clearTimeout(this.#unfinished);
    this.#unfinished = null;
    this.#perform(this.#units.push(bytes));
    if (this.#units.isWaiting) this.#unfinished = setTimeout(() => this.#perform(this.#units.flush()), UNFINISHED_MS);
  }

  #perform(typed: ReturnType<InputUnits['push']>): void {
    for (const each of typed) {
      if (each.is === 'detach') this.#end({ by: 'detach' });
      else if (each.is === 'take') this.#take();
      else if (each.is === 'talk') this.#talk.key();
      else if (!this.#talk.typed(each.bytes)) this.#type(each.bytes);
    }
  }

  #type(bytes: Uint8Array): void {
    const stream = this.#stream;
    // Moving the mouse over a window is no wish to take control.
    if (isAutomatic(bytes) && !stream.hasControl) return;
    if (this.#options.isObserver) {
      this.#complain(`you are looking on: nothing you type reaches ${this.name}`);
      return;
    }
    this.#view?.typed(bytes, stream.type(bytes)); // a refusal comes to the sink
    if (!stream.isAttached) this.#options.typedOffline();
  }

  /** Of one who has control already, the key gives it to whoever asked last. */
  #take(): void {
    const asker = this.#asker;
    this.#asker = null;
    const { client } = this.#options;
    if (asker && this.#stream.hasControl) {
      client.request('control.grant', { session: this.#session, to: asker.id }).then(
        () => this.#view?.say(`${printable(asker.name)} has control of ${this.name} now`),
        (error: unknown) => this.#complain(sentence(error)),
      );
      return;
    }
    if (!this.#stream.isAttached) {
      this.#complain(`${this.name} cannot be reached now: take control once it is back`);
      return;
    }
    this.#stream.takeControl().then(
      () => {
        if (this.#stream.hasControl) this.#view?.say(`you have control of ${this.name}`);
      },
      (error: unknown) => this.#complain(sentence(error)),
    );
  }

  #refused({ reason, message }: Extract<Verdict, { verdict: 'refused' }>): void {
    if (reason === 'session-ended' || reason === 'dropped') return;
    const { holder = null, mode } = this.#stream.control ?? {};
    const isControl = reason === 'not-in-control' || reason === 'stale-epoch';
    const locked = mode === 'locked' ? `, and ${this.name} is locked` : '';
    const takes = `${this.#options.keys.take.name} takes control`;
    if (isControl && holder && holder.client !== this.#options.client.clientId)
      this.#complain(`${holder.actor.name} has control${locked}: not typed; ${takes}`);
    else if (isControl && !holder && locked) this.#complain(`nobody has control${locked}: not typed; ${takes}`);
    else this.#complain(message);
  }

  #requested(by: Actor, reason: string): void {
    const name = printable(by.name);
    const why = reason === '' ? '' : ` (${printable(reason)})`;
    const isOurs = this.#stream.hasControl && this.#stream.control?.mode !== 'open';
    this.#asker = isOurs ? by : null;
    const way = isOurs ? this.#options.keys.take.name : this.#options.wayToGrant(name);
    this.#complain(`${name} asks for control${why}${way === null ? '' : `: ${way} gives it`}`);
  }

  #complain(sentence: string): void {
    this.#tty?.write('\x07');
    this.#view?.say(sentence);
  }

  #sizeReason(): string {
    const { control } = this.#stream;
    const { cols, rows } = this.#view?.sessionSize ?? { cols: 0, rows: 0 };
    const holder = control?.holder;
    const whose =
      holder && holder.client !== this.#options.client.clientId ? `${holder.actor.name}’s window decides` : 'another window decides';
    return `${whose} the size: ${cols}×${rows}; ${this.#options.keys.detach.name} detaches`;
  }
}

const sentence = (error: unknown) => (error instanceof Error ? error.message : String(error));
