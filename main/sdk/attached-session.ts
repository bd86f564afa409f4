/** A session that a program is attached to: it types units there and hears of output, control and the end. */
import type { CmdopClient } from '#client/cmdop-client.ts';
import type { Verdict } from '#client/input-outbox.ts';
import type { SessionStream } from '#client/session-stream.ts';
import { CmdopError } from '#protocol/errors.ts';
import type { Offset, SessionId } from '#protocol/ids.ts';
import type { SessionEnd } from '#protocol/shapes.ts';
import { waitUntil } from './wait.ts';

/** Output since something was typed that is still looked through, bytes. */
const MAX_BEHIND = 256 * 1024;

/** A range of output. */
export type Missed = { fromOffset: number; toOffset: number };

type Told = { attached(): void; failed(error: CmdopError): void };

/** What the owner of an attachment decides. */
export type AttachedOwner = {
  /** Attaching failed. */
  gone(): void;
  /** What a refusal means to whoever typed. */
  refusal(refused: Refused): CmdopError;
};

export type Refused = Extract<Verdict, { verdict: 'refused' }>;

export class AttachedSession {
  readonly id: SessionId;
  readonly #client: CmdopClient;
  readonly #owner: AttachedOwner;
  readonly #listeners = new Set<() => void>();
  /** Settles when this client may act here, or why it may not. */
  #operating: Promise<void> | null = null;
  #stream: SessionStream;
  #end: SessionEnd | null = null;
  #toldMissed: object | null = null;
  #typedAt: Offset | null = null;

  /** Resolves when attached to look on. */
  static open(client: CmdopClient, id: SessionId, owner: AttachedOwner): Promise<AttachedSession> {
    return new Promise((resolve, reject) => {
      const session: AttachedSession = new AttachedSession(
        { client, id, owner },
        {
          attached: () => resolve(session),
          failed: (error) => {
            session.#stream.detach();
            owner.gone();
            reject(error);
          },
        },
      );
    });
  }

  private constructor({ client, id, owner }: { client: CmdopClient; id: SessionId; owner: AttachedOwner }, told: Told) {
    this.id = id;
    this.#client = client;
    this.#owner = owner;
    this.#stream = this.#newStream('observer', told);
  }

  get stream(): SessionStream {
    return this.#stream;
  }
  get end(): SessionEnd | null {
    return this.#end;
  }
  /** Where the output ended when something was last typed here, at most MAX_BEHIND back: what comes of it may be there before its verdict. */
  get typedAt(): Offset {
    const { offset } = this.stream;
    return Math.max(this.#typedAt ?? offset, offset - MAX_BEHIND) as Offset;
  }

  /** From now on this client may act here. Throws where it may not; then it goes on looking on. */
  operate(): Promise<void> {
    this.#operating ??= this.#attach('operator').catch(async (error: unknown) => {
      this.#operating = null;
      await this.#attach('observer');
      throw error;
    });
    return this.#operating;
  }

  /** The channel to ask the host by. Throws while the link is broken. */
  get channel(): NonNullable<SessionStream['channel']> {
    const { channel } = this.#stream;
    if (channel === null) throw new CmdopError('disconnected', 'the host is being connected again: try once more in a moment');
    return channel;
  }

  async #attach(role: 'operator' | 'observer'): Promise<void> {
    this.#stream.detach();
    await new Promise<void>((resolve, reject) => {
      this.#stream = this.#newStream(role, { attached: resolve, failed: reject });
    });
  }

  #newStream(role: 'operator' | 'observer', told: Told): SessionStream {
    const changed = () => {
      for (const listener of [...this.#listeners]) listener();
    };
    const stream: SessionStream = this.#client.attach(
      this.id,
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
          if (stream?.isAttached) told.attached();
          changed();
        },
        ended: (end) => {
          this.#end = end;
          changed();
        },
        failed: told.failed,
      },
      { role },
    );
    return stream;
  }

  /** Types one unit. Throws what a refusal means. */
  async type(text: string): Promise<Extract<Verdict, { verdict: 'applied' }>> {
    this.#typedAt = this.stream.offset;
    const verdict = await this.stream.type(new TextEncoder().encode(text));
    if (verdict.verdict === 'applied') return verdict;
    throw this.#owner.refusal(verdict);
  }

  /** Takes back what was typed and waits yet: for control, or for a person's word. */
  withdraw(): void {
    this.stream.dropPending();
    const { channel } = this.stream;
    if (channel === null) return;
    this.#client.request('input.withdraw', { channel }).catch(() => {}); // a host that does not know it: then the approval stands until it expires
  }

  /** Asks whoever has control for it, and waits until it is here. */
  async requestControl(asked: {
    reason: string;
    timeoutMs: number;
    signal: AbortSignal;
    tell(message: string): void;
  }): Promise<{ granted: boolean; holder: string | null }> {
    const { reason, timeoutMs, signal, tell } = asked;
    const stream = this.#stream;
    if (stream.hasControl || (await stream.requestControl(reason))) return { granted: true, holder: null };
    const holder = stream.control?.holder?.actor.name ?? null;
    tell(`asked ${holder ?? 'the others'} for control`);
    const own = async () => (stream.hasControl ? true : this.#end ? false : null);
    const granted = (await waitUntil({ look: own, listen: (wake) => this.listen(wake), timeoutMs, signal })) === true;
    return { granted, holder };
  }

  /** Ctrl-C, ahead of whatever waits. */
  async interrupt(): Promise<void> {
    this.#typedAt = this.stream.offset;
    await this.stream.interrupt();
  }

  /** What was printed while this client, an agent, was without control that it has again; told once. */
  takeMissed(): Missed | null {
    const { missed } = this.stream;
    if (!missed || missed === this.#toldMissed) return null;
    this.#toldMissed = missed;
    return { fromOffset: missed.from, toOffset: missed.to };
  }

  /** Ends the attachment; the session goes on. */
  detach(): void {
    this.#stream.detach();
    this.#listeners.clear();
  }

  /** Calls `listener` after output, a change of control, and the end; the returned function ends that. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
