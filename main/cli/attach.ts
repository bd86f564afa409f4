/** `attach`: a session in this terminal, until it ends or the person detaches. */
import type { ClientState } from '#client/client-options.ts';
import type { CmdopClient } from '#client/cmdop-client.ts';
import type { Verdict } from '#client/input-outbox.ts';
import type { SessionSink, SessionStream } from '#client/session-stream.ts';
import { CmdopError, type ErrorCode } from '#protocol/errors.ts';
import type { Actor, SessionEnd } from '#protocol/shapes.ts';
import { AttachView } from './attach-view.ts';
import { commandFor, type Globals, hostOf, isRemote, lastingClient, sessionRef, withClient } from './connect.ts';
import { InputUnits, isAutomatic } from './input-units.ts';
import { type Key, parseKey } from './keys.ts';
import { programExitCode } from './program-exit.ts';
import { expectTerminal, RawTty, windowSize } from './raw-tty.ts';
import { showEnd } from './sessions.ts';
import { printable } from './table.ts';
import { PUSH_TITLE } from './terminal-modes.ts';
import { showTime } from './times.ts';

export type AttachSettings = Globals & { observe?: boolean; take?: boolean; detachKey?: string; takeKey?: string };

/** Lines of scrollback that a fresh attach brings into the terminal's own. */
const SCROLLBACK_LINES = 1000;
/** An unfinished paste or mark is typed as it is after this long, milliseconds: the rest is not coming. */
const UNFINISHED_MS = 500;

/** Failures that a person must do something about. */
const ASKS: ReadonlySet<ErrorCode> = new Set(['host-key', 'unauthorized', 'bad-configuration', 'not-installed', 'protocol-mismatch']);

/** How it ended, apart from an error. */
type Ending = { by: 'detach' } | { by: 'end'; end: SessionEnd };

export async function attach(settings: AttachSettings, session: string): Promise<void> {
  const ref = sessionRef(session);
  const keys = {
    detach: parseKey(settings.detachKey ?? process.env.CMDOP_DETACH_KEY ?? 'ctrl-\\'),
    take: parseKey(settings.takeKey ?? process.env.CMDOP_TAKE_KEY ?? 'ctrl-^'),
  };
  expectTerminal();
  await refuseMirror(settings, ref);
  const { ending, name } = await new Attachment({ settings, ref, keys }).run();
  if (ending.by === 'detach') process.stdout.write(`[detached from ${name}]\n`);
  else {
    const isLost = ending.end.reason === 'machine-restarted' || ending.end.reason === 'keeper-lost';
    process.stdout.write(`[${name} ended: ${showEnd(ending.end)}${isLost ? `; \`cmdop restart ${name}\` opens a new shell there` : ''}]\n`);
    process.exitCode = programExitCode(ending.end);
  }
}

/** A session that shows itself would print its own output for ever. */
async function refuseMirror(settings: AttachSettings, ref: string): Promise<void> {
  const own = process.env.CMDOP_SESSION;
  if (!own) return;
  const { session } = await withClient(settings, (client) => client.request('session.inspect', { session: ref }));
  if (session.id === own) throw new CmdopError('busy', `this is ${session.name} already: it cannot be attached inside itself`);
}

class Attachment {
  readonly #settings: AttachSettings;
  readonly #ref: string;
  readonly #keys: { detach: Key; take: Key };
  readonly #units: InputUnits;
  readonly #ended: Promise<Ending>;
  #end: (ending: Ending) => void = () => {};
  #fail: (error: CmdopError) => void = () => {};
  #client: CmdopClient | null = null;
  #stream: SessionStream | null = null;
  #tty: RawTty | null = null;
  #view: AttachView | null = null;
  /** Wants the control that we have. */
  #asker: Actor | null = null;
  #unfinished: NodeJS.Timeout | null = null;
  /** The host was stopped on purpose: we wait for it, and do not start it again. */
  #isHostStopped = false;
  /** Unix time of the loss, which what is shown is as old as, and why the last attempt failed. */
  #offline: { since: number; error: CmdopError } | null = null;

  constructor({ settings, ref, keys }: { settings: AttachSettings; ref: string; keys: { detach: Key; take: Key } }) {
    this.#settings = settings;
    this.#ref = ref;
    this.#keys = keys;
    this.#units = new InputUnits(keys);
    this.#ended = new Promise((resolve, reject) => {
      this.#end = resolve;
      this.#fail = reject;
    });
  }

  async run(): Promise<{ ending: Ending; name: string }> {
    try {
      this.#client = await lastingClient(this.#settings, {
        start: () => !this.#isHostStopped,
        mayAsk: () => this.#tty === null, // a question in a session's picture would be typed into it
        onState: (state) => this.#stateChanged(state),
        onEvent: ({ event, params }) => {
          if (event === 'host.stopping') this.#isHostStopped = params.reason === 'stopped';
        },
      });
      this.#stream = this.#client.attach(this.#ref, this.#sink(), {
        role: this.#settings.observe ? 'observer' : 'operator',
        size: windowSize(),
        scrollback: SCROLLBACK_LINES,
      });
      const ending = await this.#ended;
      this.#view?.settle();
      this.#stream.detach();
      return { ending, name: this.#name };
    } finally {
      if (this.#unfinished) clearTimeout(this.#unfinished);
      this.#tty?.restore(this.#view?.leaving() ?? '');
      this.#view?.dispose();
      this.#client?.close();
    }
  }

  get #name(): string {
    return this.#stream?.summary?.name ?? this.#ref;
  }

  #sink(): SessionSink {
    return {
      snapshot: (text, size, parsed) => {
        this.#opened().snapshot(text, size);
        parsed();
      },
      output: (bytes, parsed) => {
        this.#opened().output(bytes);
        parsed();
      },
      resized: (size) => this.#view?.sessionResized(size),
      gap: () => this.#view?.say('some output was skipped: this terminal was too slow for it'),
      refused: (refusal) => this.#refused(refusal),
      changed: () => {},
      ended: (end) => this.#end({ by: 'end', end }),
      failed: (error) => this.#fail(error),
      requested: ({ by, reason }) => this.#requested(by, reason),
    };
  }

  /** The terminal is only taken over once there is something to show: what fails before leaves it alone. */
  #opened(): AttachView {
    if (this.#view) return this.#view;
    const tty = new RawTty({
      input: (bytes) => this.#input(bytes),
      resized: (size) => {
        this.#view?.windowResized(size);
        this.#stream?.resize(size);
      },
      continued: () => this.#view?.redraw(),
      closed: () => this.#end({ by: 'detach' }),
      leaving: () => this.#view?.leaving() ?? '',
    });
    this.#tty = tty;
    this.#view = new AttachView({ window: tty.size, write: (bytes) => tty.write(bytes), sizeReason: () => this.#sizeReason() });
    tty.write(`${PUSH_TITLE}\x1b[${tty.size.rows};1H${'\n'.repeat(tty.size.rows)}`); // what was there goes to the scrollback
    if (this.#settings.take) this.#take();
    if (process.env.CMDOP_SESSION) {
      this.#view.say(`this is inside another session: nest with care; ${this.#keys.detach.name} detaches the outer one first`);
    }
    return this.#view;
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
      else this.#type(each.bytes);
    }
  }

  #type(bytes: Uint8Array): void {
    const stream = this.#stream;
    if (!stream) return;
    // Moving the mouse over a window is no wish to take control.
    if (isAutomatic(bytes) && !stream.hasControl) return;
    if (this.#settings.observe) {
      this.#complain(`you are looking on: nothing you type reaches ${this.#name}`);
      return;
    }
    void stream.type(bytes); // a refusal comes to the sink
    if (!stream.isAttached && this.#offline) this.#view?.sayLasting(this.#offlineSentence(this.#offline));
  }

  /** Of one who has control already, the key gives it to whoever asked last. */
  #take(): void {
    const asker = this.#asker;
    this.#asker = null;
    if (asker && this.#stream?.hasControl) {
      const given = this.#client?.request('control.grant', { session: this.#stream.sessionId ?? this.#ref, to: asker.id });
      given?.then(
        () => this.#view?.say(`${printable(asker.name)} has control of ${this.#name} now`),
        (error: unknown) => this.#complain(error instanceof Error ? error.message : String(error)),
      );
      return;
    }
    this.#stream?.takeControl().then(
      () => {
        if (this.#stream?.hasControl) this.#view?.say(`you have control of ${this.#name}`);
      },
      (error: unknown) => this.#complain(error instanceof Error ? error.message : String(error)),
    );
  }

  #refused({ reason, message }: Extract<Verdict, { verdict: 'refused' }>): void {
    if (reason === 'session-ended' || reason === 'dropped') return;
    const { holder = null, mode } = this.#stream?.control ?? {};
    const isControl = reason === 'not-in-control' || reason === 'stale-epoch';
    const locked = mode === 'locked' ? `, and ${this.#name} is locked` : '';
    const takes = `${this.#keys.take.name} takes control`;
    if (isControl && holder && holder.client !== this.#client?.clientId)
      this.#complain(`${holder.actor.name} has control${locked}: not typed; ${takes}`);
    else if (isControl && !holder && locked) this.#complain(`nobody has control${locked}: not typed; ${takes}`);
    else this.#complain(message);
  }

  #requested(by: Actor, reason: string): void {
    const name = printable(by.name);
    const why = reason === '' ? '' : ` (${printable(reason)})`;
    const isOurs = this.#stream?.hasControl === true && this.#stream.control?.mode !== 'open';
    this.#asker = isOurs ? by : null;
    const way = isOurs ? this.#keys.take.name : `\`${commandFor(this.#settings, `control ${this.#name} grant ${name}`)}\``;
    this.#complain(`${name} asks for control${why}: ${way} gives it`);
  }

  #complain(sentence: string): void {
    this.#tty?.write('\x07');
    this.#view?.say(sentence);
  }

  #stateChanged(state: ClientState): void {
    if (state.is === 'connected') {
      this.#isHostStopped = false;
      this.#offline = null;
      this.#view?.sayLasting(state.isResponsive ? null : 'the host does not answer: waiting for it');
    } else if (state.is === 'offline') {
      this.#offline = { since: this.#offline?.since ?? state.since, error: state.error };
      this.#view?.sayLasting(this.#offlineSentence(this.#offline));
    }
  }

  #offlineSentence({ since, error }: { since: number; error: CmdopError }): string {
    const { bytes } = this.#stream?.pending ?? { bytes: 0 };
    const kept = bytes > 0 ? `; ${bytes} bytes typed are kept` : '';
    const host = isRemote(this.#settings) ? hostOf(this.#settings) : 'the host';
    if (this.#isHostStopped) {
      const start = commandFor(this.#settings, 'host start');
      return `${host} was stopped, \`${start}\` starts it${kept}; ${this.#keys.detach.name} detaches`;
    }
    // A question cannot be asked in a terminal that shows a session; whatever else time does not heal is told.
    const why = ASKS.has(error.code) ? ` (${printable(error.message)})` : '';
    const leave = error.code === 'unauthorized' ? 'detaches, and attaching again asks' : 'detaches';
    return `${host} is gone since ${showTime(since, Date.now())}, connecting again${why}${kept}; ${this.#keys.detach.name} ${leave}`;
  }

  #sizeReason(): string {
    const { control } = this.#stream ?? {};
    const { cols, rows } = this.#view?.sessionSize ?? { cols: 0, rows: 0 };
    const holder = control?.holder;
    const whose = holder && holder.client !== this.#client?.clientId ? `${holder.actor.name}’s window decides` : 'another window decides';
    return `${whose} the size: ${cols}×${rows}; ${this.#keys.detach.name} detaches`;
  }
}
