/** Input and control of one attachment, from what was typed to its verdict: does what the outbox decides. */
import { CmdopError } from '#protocol/errors.ts';
import type { Frame } from '#protocol/frames.ts';
import type { Channel, ClientId, Offset, Seq } from '#protocol/ids.ts';
import type { EventParams } from '#protocol/messages.ts';
import type { Control, Role } from '#protocol/shapes.ts';
import type { Connection } from './connection.ts';
import { type AttachedState, InputOutbox, type OutboxAction, type Refusal, type Verdict } from './input-outbox.ts';
import { InputRoute, type OpenKeeper } from './input-route.ts';

/** Largest single input unit, bytes; a larger paste becomes several. */
const MAX_UNIT_BYTES = 256 * 1024;
/** Input without a verdict, bytes, from which on Ctrl-C overtakes it: more than anybody types ahead. */
const OVERTAKEN_BYTES = 1024;
const CTRL_C = 0x03;
/** Why units are refused once the session has ended, for a person. */
const SESSION_ENDED = 'not typed: the session has ended';

/** Where units go. */
export type Link = { readonly connection: Connection; readonly channel: Channel };

/** Output of a session, offsets. */
export type OutputRange = { from: Offset; to: Offset };
/** What tells of control; `missed` where this agent was without it and has it again. */
type ControlNews = { control: Control; missed?: OutputRange | undefined };

export type InputOwner = {
  readonly clientId: ClientId;
  role(): Role;
  /** Null while the session is not attached. */
  link(): Link | null;
  openKeeper: OpenKeeper | undefined;
  /** What comes at once of units that went straight to the keeper. */
  output(frame: Extract<Frame, { kind: 'output' }>): void;
  refused(refusal: Extract<Verdict, { verdict: 'refused' }>, bytes: Uint8Array): void;
  changed(): void;
};

export class StreamInput {
  readonly #owner: InputOwner;
  readonly #outbox = new InputOutbox();
  readonly #route: InputRoute;
  /** Who waits for a unit's verdict, by the unit's bytes. */
  readonly #awaitingVerdict = new Map<Uint8Array, (verdict: Verdict) => void>();
  #control: Control | null = null;
  #missed: OutputRange | null = null;
  /** The last unit was Ctrl-C alone. */
  #wasCtrlC = false;
  /** So much was typed last that it may lie in the terminal unread, and a key behind it. */
  #wasLarge = false;

  constructor(owner: InputOwner) {
    this.#owner = owner;
    this.#route = new InputRoute({
      openKeeper: owner.openKeeper,
      toHost: (unit) => {
        const link = owner.link();
        link?.connection.sendInput(link.channel, unit);
      },
      output: (frame) => owner.output(frame),
    });
  }

  get control(): Control | null {
    return this.#control;
  }
  get missed(): OutputRange | null {
    return this.#missed;
  }
  get hasControl(): boolean {
    return this.#outbox.hasControl;
  }
  get epoch(): InputOutbox['epoch'] {
    return this.#outbox.epoch;
  }
  /** Input without a verdict: units and bytes. */
  get pending(): { units: number; bytes: number } {
    return { units: this.#outbox.pendingUnits, bytes: this.#outbox.pendingBytes };
  }

  /** Types one unit. Settles with its verdict; of several units for a large paste, with the last one's. */
  type(bytes: Uint8Array, { hasEnded }: { hasEnded: boolean }): Promise<Verdict> {
    if (!hasEnded && this.#overtakes(bytes)) return this.#interruptByTyping();
    let verdict = Promise.resolve<Verdict>({ seq: null, verdict: 'applied' });
    for (let at = 0; at < bytes.length; at += MAX_UNIT_BYTES) {
      const unit = bytes.slice(at, at + MAX_UNIT_BYTES);
      verdict = new Promise((resolve) => this.#awaitingVerdict.set(unit, resolve));
      const actions = this.#outbox.type(unit);
      if (hasEnded) actions.push(...this.#outbox.ended(SESSION_ENDED));
      this.#perform(actions);
    }
    return verdict;
  }

  async take(): Promise<void> {
    const link = this.#linkBehindUnits();
    await link?.connection.request('control.take', { channel: link.channel, force: true }, (answer) => this.#granted(answer));
  }

  async release(): Promise<void> {
    const link = this.#linkBehindUnits();
    await link?.connection.request('control.release', { channel: link.channel }, (answer) => this.controlMoved(answer));
  }

  /** True: nobody stood in the way, control is ours. */
  async request(reason: string): Promise<boolean> {
    const link = this.#linkBehindUnits();
    if (!link) return false;
    const { granted } = await link.connection.request('control.request', { channel: link.channel, reason }, (answer) => {
      if (answer.granted) this.#granted(answer);
    });
    return granted;
  }

  /** Ctrl-C before everything that waits; what was not sent yet is dropped. Rejects with why not. */
  async interrupt(): Promise<'signal' | 'byte'> {
    const link = this.#linkBehindUnits();
    if (!link) throw new CmdopError('disconnected', 'not interrupted: the host cannot be reached');
    this.#perform(this.#outbox.drop('dropped', 'not typed: the program was interrupted before it'));
    const answer = await link.connection.request('input.interrupt', { channel: link.channel }, ({ control }) => this.#granted({ control }));
    return answer.how;
  }

  attached({ control, ...answer }: Omit<AttachedState, 'hasControl' | 'epoch'> & { control: Control }): void {
    this.#control = control;
    this.#perform(this.#outbox.attached({ ...answer, hasControl: this.#mayType(control), epoch: control.epoch }));
  }
  /** See `input.delegated`. */
  delegated(to: EventParams<'input.delegated'>): void {
    void this.#route.delegated(to);
  }
  /** Units went to the keeper: before a request that counts on them, the host has them as well. */
  behindUnits(): void {
    this.#route.byHost();
  }
  applied(seq: Parameters<InputOutbox['applied']>[0]): void {
    this.#route.applied(seq);
    this.#perform(this.#outbox.applied(seq));
  }
  refused(refusal: Parameters<InputOutbox['refused']>[0]): void {
    this.#route.refused(refusal.seq);
    this.#perform(this.#outbox.refused(refusal));
  }
  /** By another's hand, or our own release. */
  controlMoved({ control, missed }: ControlNews): void {
    this.#control = control;
    this.#missed = missed ?? null;
    this.#perform(this.#outbox.controlMoved({ epoch: control.epoch, hasControl: this.#mayType(control) }));
    this.#owner.changed();
  }
  /** An observer has no control, an operator may have it in mode open. */
  roleChanged(): void {
    if (this.#control) this.controlMoved({ control: this.#control, missed: this.#missed ?? undefined });
  }
  /** Drops what was not sent yet. */
  drop(): void {
    this.#perform(this.#outbox.drop('dropped', 'dropped'));
  }
  sessionEnded(): void {
    this.#route.cut();
    this.#perform(this.#outbox.ended(SESSION_ENDED));
  }
  detached(): void {
    this.#route.cut();
    this.#perform(this.#outbox.ended('detached'));
  }
  /** Taken out of the session: units above `accepted` are refused, the others get their verdicts yet. */
  removed(accepted: Seq, message: string): void {
    this.#perform(this.#outbox.removed(accepted, message));
  }
  /** The connection is gone. */
  cut(): void {
    this.#route.cut();
    this.#outbox.cut();
  }

  #perform(actions: OutboxAction[]): void {
    for (const action of actions) {
      switch (action.do) {
        case 'send':
          this.#route.send(action.unit, this.#outbox.sentUnits === 1);
          break;
        case 'take':
          void this.#takeByTyping();
          break;
        case 'settle':
          this.#awaitingVerdict.get(action.bytes)?.(action.verdict);
          this.#awaitingVerdict.delete(action.bytes);
          if (action.verdict.verdict === 'refused') this.#owner.refused(action.verdict, action.bytes);
          break;
      }
    }
  }

  #linkBehindUnits(): Link | null {
    this.#route.byHost();
    return this.#owner.link();
  }

  async #takeByTyping(): Promise<void> {
    const link = this.#owner.link();
    if (!link) return;
    const { connection, channel } = link;
    try {
      await connection.request('control.take', { channel }, (answer) => this.#granted(answer));
    } catch (error) {
      if (this.#owner.link()?.connection !== connection) return;
      this.#perform(this.#outbox.denied(refusalOf(error)));
      this.#owner.changed();
    }
  }

  /** Our own request for control was granted. */
  #granted({ control, missed }: ControlNews): void {
    this.#control = control;
    this.#missed = missed ?? null;
    this.#perform(this.#outbox.granted(control.epoch, { isOpen: control.mode === 'open' }));
    this.#owner.changed();
  }

  /** In mode open every operator may, without holding anything. */
  #mayType(control: Control): boolean {
    return control.mode === 'open' ? this.#owner.role() !== 'observer' : control.holder?.client === this.#owner.clientId;
  }

  /** Whether these bytes are a Ctrl-C that must not wait for what was typed before it. */
  #overtakes(bytes: Uint8Array): boolean {
    const isCtrlC = bytes.length === 1 && bytes[0] === CTRL_C;
    // Pressed again, the first one may lie in the terminal, behind what the program does not read.
    const isAgain = isCtrlC && this.#wasCtrlC && this.pending.units === 0;
    const isBehindPaste = isCtrlC && (this.#wasLarge || this.pending.bytes >= OVERTAKEN_BYTES);
    this.#wasCtrlC = isCtrlC;
    this.#wasLarge = bytes.length >= OVERTAKEN_BYTES;
    return this.#owner.link() !== null && (isAgain || isBehindPaste);
  }

  async #interruptByTyping(): Promise<Verdict> {
    try {
      await this.interrupt();
      return { seq: null, verdict: 'applied' };
    } catch (error) {
      const verdict = { seq: null, verdict: 'refused' as const, ...refusalOf(error) };
      this.#owner.refused(verdict, Uint8Array.of(CTRL_C));
      return verdict;
    }
  }
}

/** Why a request failed, as the verdict of what waited for it. */
function refusalOf(error: unknown): { reason: Refusal; message: string } {
  if (!(error instanceof CmdopError)) return { reason: 'not-in-control', message: String(error) };
  const { code, message } = error;
  const isOwn = code === 'agents-paused' || code === 'observer' || code === 'session-ended';
  return { reason: isOwn ? code : 'not-in-control', message };
}
