/** `attach`: a session in this terminal, across every loss of its host, until it ends or the person detaches. */
import type { ClientState } from '#client/client-options.ts';
import type { CmdopClient } from '#client/cmdop-client.ts';
import { PREDICTION_CHOICES, type PredictionChoice } from '#client/echo-forecast.ts';
import { systemClock } from '#local/clock.ts';
import { compileEarly } from '#local/early-tiers.ts';
import { CmdopError, type ErrorCode } from '#protocol/errors.ts';
import type { SessionSummary } from '#protocol/shapes.ts';
import { AttachedTerminal, type Ending } from '../attach/attached-terminal.ts';
import { printable } from '../attach/cells.ts';
import type { Key } from '../attach/keys.ts';
import { showEnd } from '../attach/session-end.ts';
import { commandFor, type Globals, hostOf, isRemote, lastingClient, sessionRef, withClient } from './connect.ts';
import { UsageError } from './exit-codes.ts';
import { parseKey } from './keys.ts';
import { note, print } from './output.ts';
import { programExitCode } from './program-exit.ts';
import { expectTerminal, RawTty, windowSize } from './raw-tty.ts';
import { showTime } from './times.ts';

export type AttachSettings = Globals & {
  observe?: boolean;
  take?: boolean;
  detachKey?: string;
  takeKey?: string;
  talkKey?: string;
  predict?: string;
};

/** Notices kept for the end, the newest: a host may have a new one at every login. */
const MAX_LATE_NOTICES = 20;

/** Failures that a person must do something about elsewhere; then it goes on here. */
const ASKS: ReadonlySet<ErrorCode> = new Set(['bad-configuration', 'not-installed', 'protocol-mismatch']);

export async function attach(settings: AttachSettings, session: string): Promise<void> {
  compileEarly();
  const ref = sessionRef(session);
  const keys = {
    detach: parseKey(settings.detachKey ?? process.env.CMDOP_DETACH_KEY ?? 'ctrl-\\'),
    take: parseKey(settings.takeKey ?? process.env.CMDOP_TAKE_KEY ?? 'ctrl-^'),
    talk: parseKey(settings.talkKey ?? process.env.CMDOP_TALK_KEY ?? 'ctrl-]'),
  };
  const choice = parseChoice(settings.predict ?? process.env.CMDOP_PREDICT ?? 'slow');
  expectTerminal();
  await refuseMirror(settings, ref);
  const { ending, name } = await new Attachment({ settings, ref, keys, choice }).run();
  if (ending.by === 'detach') print(`[detached from ${name}]\n`);
  else {
    const isLost = ending.end.reason === 'machine-restarted' || ending.end.reason === 'keeper-lost';
    const remedy = isLost ? `; \`${commandFor(settings, `restart ${name}`)}\` opens a new shell there` : '';
    print(`[${name} ended: ${showEnd(ending.end)}${remedy}]\n`);
    process.exitCode = programExitCode(ending.end);
  }
}

/** As the window calls them. Throws UsageError. */
function parseChoice(given: string): PredictionChoice {
  const choice = PREDICTION_CHOICES.find((each) => each === given);
  if (choice) return choice;
  throw new UsageError(`"${given}" is not when typing can be foretold: choose ${PREDICTION_CHOICES.join(', ')}`);
}

/** A session that shows itself would print its own output for ever. */
async function refuseMirror(settings: AttachSettings, ref: string): Promise<void> {
  const own = process.env.CMDOP_SESSION;
  if (!own) return;
  const { session } = await withClient(settings, (client) => client.request('session.inspect', { session: ref })).catch(
    (error: unknown) => {
      if (error instanceof CmdopError && error.code === 'session-unreachable' && error.data?.session !== own) return { session: null };
      throw error;
    },
  );
  if (session?.id === own) throw new CmdopError('busy', `this is ${session.name} already: it cannot be attached inside itself`);
}

type Keys = { detach: Key; take: Key; talk: Key };

/** That others may come, and where with plain ssh; null where nobody may. */
function sharedWith(session: SessionSummary | null): string | null {
  if (!session?.shared) return null;
  const { ssh, invites } = session.shared;
  const at = ssh ? `, with ssh at ${ssh.address} port ${ssh.port}` : '';
  return `${printable(session.name)} is shared: ${invites} invited${at}`;
}

class Attachment {
  readonly #settings: AttachSettings;
  readonly #ref: string;
  readonly #keys: Keys;
  readonly #choice: PredictionChoice;
  #client: CmdopClient | null = null;
  #tty: RawTty | null = null;
  #terminal: AttachedTerminal | null = null;
  /** The host was stopped on purpose: we wait for it, and do not start it again. */
  #isHostStopped = false;
  /** Unix time of the last byte that came, and why the last attempt failed. */
  #offline: { since: number; error: CmdopError } | null = null;
  /** What was to be said while the session had the terminal. */
  #lateNotices: readonly string[] = [];

  constructor({ settings, ref, keys, choice }: { settings: AttachSettings; ref: string; keys: Keys; choice: PredictionChoice }) {
    this.#settings = settings;
    this.#ref = ref;
    this.#keys = keys;
    this.#choice = choice;
  }

  async run(): Promise<{ ending: Ending; name: string }> {
    try {
      this.#client = await lastingClient(this.#settings, {
        start: () => !this.#isHostStopped,
        mayAsk: () => this.#tty === null, // a question in a session's picture would be typed into it
        notice: (sentence) => this.#notice(sentence),
        onState: (state) => this.#stateChanged(state),
        refused: (error) => this.#refused(error),
        onEvent: (event) => {
          if (event.event === 'host.stopping') this.#isHostStopped = event.params.reason === 'stopped';
          this.#terminal?.heard(event);
        },
      });
      const terminal = new AttachedTerminal({
        client: this.#client,
        session: this.#ref,
        keys: this.#keys,
        isObserver: this.#settings.observe === true,
        takesControl: this.#settings.take === true,
        size: windowSize(),
        prediction: { choice: () => this.#choice, clock: systemClock },
        open: (listener) => {
          this.#tty = new RawTty(listener);
          return this.#tty;
        },
        greeting: (session) =>
          process.env.CMDOP_SESSION
            ? `this is inside another session: nest with care; ${this.#keys.detach.name} detaches the outer one first`
            : sharedWith(session),
        wayToGrant: (asker) => `\`${commandFor(this.#settings, `control ${terminal.name} grant ${asker}`)}\``,
        waiting: (message) => this.#notice(message),
        typedOffline: () => {
          if (this.#offline) terminal.sayLasting(this.#offlineSentence(this.#offline));
        },
      });
      this.#terminal = terminal;
      const ending = await terminal.whenEnded();
      return { ending, name: terminal.name };
    } finally {
      const last = this.#terminal?.dispose() ?? '';
      this.#tty?.restore(last);
      for (const sentence of this.#lateNotices) note(sentence);
      this.#client?.close();
    }
  }

  /** Nothing but what the session shows is written where it is shown. */
  #notice(sentence: string): void {
    if (this.#tty === null) note(sentence);
    else this.#lateNotices = [...this.#lateNotices, sentence].slice(-MAX_LATE_NOTICES);
  }

  #stateChanged(state: ClientState): void {
    if (state.is === 'connected') {
      this.#isHostStopped = false;
      this.#offline = null;
      this.#terminal?.sayLasting(state.isResponsive ? null : 'the host does not answer: waiting for it');
    } else if (state.is === 'offline') {
      this.#offline = { since: this.#offline?.since ?? state.since, error: state.error };
      this.#terminal?.sayLasting(this.#offlineSentence(this.#offline));
    }
  }

  /** Only in a terminal that shows no session can be asked what the next login needs. */
  #refused({ code, message, data }: CmdopError): void {
    const terminal = this.#terminal;
    if (!terminal) return;
    const bytes = terminal.pendingBytes;
    const unsent = bytes > 0 ? `; ${bytes} bytes typed were not sent` : '';
    const again = commandFor(this.#settings, `attach ${terminal.name}`);
    terminal.fail(new CmdopError(code, `${message}${unsent}; ${terminal.name} goes on, and \`${again}\` logs in anew`, data));
  }

  #offlineSentence({ since, error }: { since: number; error: CmdopError }): string {
    const bytes = this.#terminal?.pendingBytes ?? 0;
    const kept = bytes > 0 ? `; ${bytes} bytes typed are kept` : '';
    const host = isRemote(this.#settings) ? hostOf(this.#settings) : 'the host';
    // Where the machine went with its host, as a container does, starting one is no advice.
    if (this.#isHostStopped && (error.code === 'disconnected' || error.data?.isNoHost)) {
      const start = commandFor(this.#settings, 'host start');
      return `${host} was stopped, \`${start}\` starts it${kept}; ${this.#keys.detach.name} detaches`;
    }
    // Why comes last: it is the longest, and what does not fit is cut.
    const why = ASKS.has(error.code) ? ` (${printable(error.message)})` : '';
    return `${host} is gone since ${showTime(since, Date.now())}, connecting again${kept}; ${this.#keys.detach.name} detaches${why}`;
  }
}
