/**
 * Input that has passed the gate and that no program has read: taken back when whoever typed it is stopped.
 *
 * What is not in the PTY whole is taken back by the keeper, whose answer makes the verdicts (invariant 3). What is, lies in
 * the terminal, which does not tell one author from another: it is dropped with all that its program has not read, as
 * Ctrl-C does, if somebody who is stopped has typed since the shell last waited with nothing typed ahead. Where a person
 * only takes over from an agent, it is dropped if agents alone have typed since everything was read.
 */
import type { ActorId, ClientId, Seq, SessionId } from '#protocol/ids.ts';
import type { Actor } from '#protocol/shapes.ts';
import { setLatest } from '#session/input-ledger.ts';
import type { DroppedOf } from '../../keeper/wire-messages.ts';
import type { Records } from '../journal/records.ts';
import type { KeeperLink } from '../keepers/keeper-link.ts';
import { interruptedGroup } from './foreground.ts';
import type { SessionClients } from './session-clients.ts';
import type { SessionCommands } from './session-commands.ts';
import { type InputSource, type SessionInput, type StopReason, TAKEN_BACK, type Unit } from './session-input.ts';
import type { SessionKicks } from './session-kicks.ts';
import type { Person } from './session-roles.ts';
import type { Tty } from './tty-state.ts';

/** A keeper answers within a millisecond or two; whoever stops an agent does not wait longer than this, milliseconds. */
const ANSWER_MS = 500;
/** Clients that typed before this host came, looked up in the journal: those that typed last. */
const MAX_RECALLED = 16;
/** What ends a line for a terminal that gives whole lines: return, newline, ends of file, interrupts. */
const LINE_ENDS = new Set([0x0d, 0x0a, 0x04, 0x03, 0x1c]);
const INTERRUPT = Uint8Array.of(0x03);
/** A shell that read a line has told by then what runs, milliseconds; less than a line of an agent waits for it (prompt-watch.ts). */
const TOLD_MS = 200;
const CROWDED: StopReason = {
  reason: 'not-in-control',
  message: 'not typed: what more clients have typed than a session remembers waits for its program already; type it again later',
};
/** The end of a paste, for a program that got its beginning. */
const PASTE_END = new TextEncoder().encode('\x1b[201~');

export type UnreadInputOptions = {
  session: SessionId;
  /** Null for a session that has ended. */
  keeper: KeeperLink | null;
  input: SessionInput;
  kicks: SessionKicks;
  clients: SessionClients;
  commands: SessionCommands;
  records: Records;
  /** Null for a session that has ended. */
  tty: Tty | null;
  clock: { now(): number };
};

export class UnreadInput {
  readonly #options: UnreadInputOptions;
  /** Who typed last over each client. */
  readonly #typists = new Map<ClientId, Actor>();
  /** Who has typed since the shell last waited with nothing typed ahead. */
  #sinceRest = new Set<ActorId>();
  /** A person has typed since everything was read, as far as it was asked. */
  #isOfPeople = false;
  /** The last of them left a line without its end: in the terminal it counts as read. */
  #isLineOpen = false;
  /** Units so far. */
  #passed = 0;
  /** Why, for each answer of the keeper that is to come. */
  readonly #reasons: StopReason[] = [];

  /** Who typed before this host came is still to be looked up. */
  #isRecalled = false;

  constructor(options: UnreadInputOptions) {
    this.#options = options;
  }

  /** A unit has passed the gate, and is not on its way yet. */
  passing({ client, actor }: InputSource, { bytes }: Unit): void {
    this.#passed++;
    if (actor.kind === 'human') {
      this.#isOfPeople = true;
      this.#isLineOpen = !LINE_ENDS.has(bytes.at(-1) ?? 0);
    } else if (this.#isOfPeople) this.#isOfPeople = !this.#isAllRead();
    setLatest(this.#typists, client, actor);
    if (this.#isAtRest) this.#sinceRest = new Set();
    this.#sinceRest.add(actor.id);
  }

  /** Of what these actors have typed nothing more is read. Resolves when that is so. */
  async stop(isMeant: (actor: Person) => boolean, why: StopReason): Promise<void> {
    const { records, commands } = this.#options;
    this.#recall();
    const typists = [...this.#typists].filter(([, actor]) => isMeant(actor)).map(([client]) => client);
    const taken = await this.takeBack(typists, why);
    const isInTerminal = [...this.#sinceRest].some((id) => isMeant(records.actor(id) ?? { name: '', kind: 'human' }));
    if (!isInTerminal || this.#isAtRest) return;
    const isLost = this.dropUnread({ isKept: false });
    const end = this.endOfPaste(taken);
    if (end.length > 0) this.#options.keeper?.urgent(end);
    commands.unreadDropped();
    if (isLost) void this.#giveUpLine();
  }

  /**
   * A shell at its prompt may have read the beginning of a line that lost its end, or nothing of it, and says neither: an
   * interrupt has it begin anew. Not where something runs by now, or somebody types.
   */
  async #giveUpLine(): Promise<void> {
    const { commands, keeper } = this.#options;
    const passed = this.#passed;
    await new Promise((resolve) => setTimeout(resolve, TOLD_MS));
    if (!keeper || !commands.isPromptOwed) return;
    const isOfShell = (await interruptedGroup(keeper.hello.shellPid)) === keeper.hello.shellPid;
    if (!isOfShell || this.#passed !== passed || !commands.isPromptOwed) return;
    keeper.urgent(INTERRUPT);
    commands.unreadDropped();
  }

  /**
   * A person has taken control from an agent: nothing that agents had handed over, and that no program has read, is read after
   * it. Null where there is nothing of the kind, as nearly always; else resolves when that is so.
   */
  takenOver(by: Actor): Promise<void> | null {
    const { input, tty } = this.#options;
    this.#recall();
    const clients = [...this.#typists].flatMap(([client, { kind }]) => (kind === 'agent' && !input.isSettled(client) ? [client] : []));
    if (clients.length === 0 && !(this.#isOfAgents && (tty?.unreadBytes() ?? 0) > 0)) return null;
    const message = `not typed: ${by.name} took control before the program read it`;
    return this.#takeOver(clients, { reason: 'not-in-control', message });
  }

  async #takeOver(clients: ClientId[], why: StopReason): Promise<void> {
    const { tty, keeper, commands } = this.#options;
    const taken = clients.length > 0 ? await this.takeBack(clients, why) : [];
    if (tty && this.#isOfAgents && (taken.length > 0 || (tty.unreadBytes() ?? 0) > 0)) {
      this.dropUnread({ isKept: false });
      commands.unreadDropped();
    }
    const end = this.endOfPaste(taken);
    if (end.length > 0) keeper?.urgent(end);
  }

  /** What lies in the terminal unread can only be of agents. */
  get #isOfAgents(): boolean {
    return !this.#isOfPeople && this.#sinceRest.size > 0 && !this.#isAtRest;
  }

  /** Of what people typed nothing is unread any more. */
  #isAllRead(): boolean {
    const { input, tty } = this.#options;
    if (!this.#isAtRest) {
      if (tty?.unreadBytes() !== 0) return false;
      if (this.#isLineOpen && tty.read()?.isCanonical !== false) return false;
    }
    return [...this.#typists].every(([client, { kind }]) => kind === 'agent' || input.isSettled(client));
  }

  /** The keeper writes no more of what these clients, or all, have under way. */
  async takeBack(clients: ClientId[] | null, why: StopReason): Promise<DroppedOf[]> {
    const { keeper, input } = this.#options;
    const underWay = clients?.filter((client) => !input.isSettled(client)) ?? null;
    if (!keeper?.takesBack || underWay?.length === 0) return [];
    this.#reasons.push(why);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<DroppedOf[]>((resolve) => {
      timer = setTimeout(() => resolve([]), ANSWER_MS);
    });
    const taken = await Promise.race([keeper.drop(underWay), late]);
    clearTimeout(timer);
    return taken;
  }

  /** What a program must be told that has read the beginning of a paste, and does not get the rest; empty where none has. */
  endOfPaste(taken: readonly DroppedOf[]): Uint8Array {
    const { bracketedPaste } = this.#options.commands.context(() => null);
    return bracketedPaste && taken.some(([, , , writtenBytes]) => writtenBytes > 0) ? PASTE_END : new Uint8Array(0);
  }

  /** Of what lies in the terminal. Answers whether there was any. See TtyState. */
  dropUnread(options: { isKept: boolean }): boolean {
    return this.#options.tty?.dropUnread(options) ?? false;
  }

  /** The keeper's answer. */
  dropped(units: DroppedOf[]): void {
    const why = this.#reasons.shift() ?? TAKEN_BACK;
    for (const unit of units) this.#lost(unit, why);
  }

  /** The keeper has not taken a unit. */
  refused(client: ClientId, seq: Seq): void {
    this.#lost([client, seq, seq, 0], CROWDED);
  }

  #lost([client, ...range]: DroppedOf, why: StopReason): void {
    const { input, clients, kicks } = this.#options;
    const actor = this.#typists.get(client) ?? null;
    const refusals = input.dropped(client, { actor, range, why });
    clients.dropped(client, range);
    const attached = clients.of(client);
    for (const refused of refusals) {
      if (attached) attached.connection.event('input.refused', { channel: attached.channel, ...refused });
      else kicks.refused(client, refused);
    }
    kicks.settled(client);
  }

  /** Learns who typed before this host came, at the first need: something of theirs may still be unread. */
  #recall(): void {
    if (this.#isRecalled) return;
    this.#isRecalled = true;
    const { keeper, records, session } = this.#options;
    const ledger = keeper?.hello.ledger ?? [];
    for (const [client] of ledger.slice(-MAX_RECALLED)) {
      const typist = this.#typists.has(client) ? null : records.typistOf(session, client);
      if (!typist) continue;
      this.#typists.set(client, typist);
      this.#sinceRest.add(typist.id);
      this.#isOfPeople ||= typist.kind === 'human';
    }
    this.#isLineOpen ||= ledger.length > 0;
  }

  get #isAtRest(): boolean {
    return this.#options.commands.context(() => null).is === 'prompt';
  }
}
