/** A session that an agent is attached to: it types units there and hears of output, control and the end. */
import type { CmdopClient } from '#client/cmdop-client.ts';
import type { Verdict } from '#client/input-outbox.ts';
import type { SessionStream } from '#client/session-stream.ts';
import { CmdopError } from '#protocol/errors.ts';
import type { SessionId } from '#protocol/ids.ts';
import type { SessionEnd } from '#protocol/shapes.ts';
import { waitUntil } from './wait.ts';

/** A range of output, as agents are told. */
export type Missed = { fromOffset: number; toOffset: number };

export class AgentSession {
  readonly id: SessionId;
  readonly stream: SessionStream;
  readonly #listeners = new Set<() => void>();
  readonly #whyObserver: CmdopError | null;
  #end: SessionEnd | null = null;
  #toldMissed: object | null = null;

  /** Resolves when attached; `gone` is called when the session is no longer attached for good. */
  static async open(client: CmdopClient, id: SessionId, gone: () => void): Promise<AgentSession> {
    try {
      return await AgentSession.#openAs({ client, id, gone, whyObserver: null });
    } catch (error) {
      if (!(error instanceof CmdopError) || (error.code !== 'own-session' && error.code !== 'observer')) throw error;
      return AgentSession.#openAs({ client, id, gone, whyObserver: error });
    }
  }

  static #openAs(options: { client: CmdopClient; id: SessionId; gone: () => void; whyObserver: CmdopError | null }): Promise<AgentSession> {
    return new Promise((resolve, reject) => {
      const session: AgentSession = new AgentSession(options, {
        attached: () => resolve(session),
        failed: (error) => {
          options.gone();
          reject(error);
        },
      });
    });
  }

  private constructor(
    { client, id, whyObserver }: { client: CmdopClient; id: SessionId; whyObserver: CmdopError | null },
    told: { attached(): void; failed(error: CmdopError): void },
  ) {
    this.id = id;
    this.#whyObserver = whyObserver;
    const changed = () => {
      for (const listener of [...this.#listeners]) listener();
    };
    this.stream = client.attach(
      id,
      {
        // Nothing is drawn here: all of it counts as parsed, and is read where it is stored.
        snapshot: (_text, _size, parsed) => parsed(),
        output: (_bytes, parsed) => {
          parsed();
          changed();
        },
        resized: () => {},
        gap: changed,
        refused: () => {},
        changed: () => {
          if (this.stream?.isAttached) told.attached();
          changed();
        },
        ended: (end) => {
          this.#end = end;
          changed();
        },
        failed: (error) => {
          this.stream?.detach();
          told.failed(error);
        },
      },
      { role: whyObserver ? 'observer' : 'operator' },
    );
  }

  /** Why this agent may only look on; null where it may act. */
  get whyObserver(): CmdopError | null {
    return this.#whyObserver;
  }
  get end(): SessionEnd | null {
    return this.#end;
  }

  /** Types one unit. Throws what a refusal means to an agent. */
  async type(text: string): Promise<Extract<Verdict, { verdict: 'applied' }>> {
    if (this.#whyObserver) throw this.#whyObserver;
    const verdict = await this.stream.type(new TextEncoder().encode(text));
    if (verdict.verdict === 'applied') return verdict;
    throw new CmdopError(CODES[verdict.reason] ?? 'control-held', `${verdict.message}. ${ADVICE[verdict.reason] ?? NO_CONTROL}`);
  }

  /** The channel to ask the host by. Throws where this agent may only look on, or the link is broken now. */
  get channel(): NonNullable<SessionStream['channel']> {
    if (this.#whyObserver) throw this.#whyObserver;
    const { channel } = this.stream;
    if (channel === null) throw new CmdopError('disconnected', 'the host is being connected again: try once more in a moment');
    return channel;
  }

  /** Asks whoever has control for it, and waits until it is here. */
  async requestControl(asked: {
    reason: string;
    timeoutMs: number;
    signal: AbortSignal;
    tell(message: string): void;
  }): Promise<{ granted: boolean; holder: string | null }> {
    const { reason, timeoutMs, signal, tell } = asked;
    const { stream } = this;
    if (this.#whyObserver) throw this.#whyObserver;
    if (stream.hasControl || (await stream.requestControl(reason))) return { granted: true, holder: null };
    const holder = stream.control?.holder?.actor.name ?? null;
    tell(`asked ${holder ?? 'the others'} for control`);
    const own = async () => (stream.hasControl ? true : this.#end ? false : null);
    const granted = (await waitUntil({ look: own, listen: (wake) => this.listen(wake), timeoutMs, signal })) === true;
    return { granted, holder };
  }

  /** Ctrl-C, ahead of whatever waits. */
  async interrupt(): Promise<void> {
    if (this.#whyObserver) throw this.#whyObserver;
    await this.stream.interrupt();
  }

  /** What was printed while this agent was without control that it has again; told once. */
  takeMissed(): Missed | null {
    const { missed } = this.stream;
    if (!missed || missed === this.#toldMissed) return null;
    this.#toldMissed = missed;
    return { fromOffset: missed.from, toOffset: missed.to };
  }

  /** Calls `listener` after output, a change of control, and the end; the returned function ends that. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

const NO_CONTROL =
  'Nothing of it was typed. A person goes first: call control_request with a reason, or wait_for idle and look at the screen before you try again; do not repeat it in a loop';

type RefusalCodes = { [reason: string]: CmdopError['code'] };
const CODES: RefusalCodes = {
  observer: 'observer',
  'session-ended': 'session-ended',
  'agents-paused': 'agents-paused',
  policy: 'unauthorized',
  rejected: 'unauthorized',
  'secret-prompt': 'unauthorized',
};
const ADVICE: { [reason: string]: string } = {
  observer: 'You can read this session only; ask_human for another role',
  'session-ended': 'Make another session with session_create',
  'agents-paused': 'A person has stopped all agents: do nothing until they resume you, and do not look for a way around it',
  policy: 'A rule forbids it: do not try it in another form; ask_human if the task cannot be done without it',
  rejected: 'A person said no: follow their reason, and do not try the same in another form',
  'secret-prompt': 'The program reads a password: ask_human to type it there, and wait_for prompt',
};
