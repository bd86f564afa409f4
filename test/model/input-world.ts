/**
 * Three real clients, one of them an agent's, a real session in a host, a real keeper, a network that is cut and a host
 * that is killed at seeded moments, and people who change modes, stop agents, give control and remove each other. Only the
 * edges are simulated: links, clock, PTY and screen.
 */
import { CmdopClient } from '#client/cmdop-client.ts';
import type { Verdict } from '#client/input-outbox.ts';
import type { SessionStream } from '#client/session-stream.ts';
import type { ClientId, Epoch, SessionId } from '#protocol/ids.ts';
import type { Actor, ControlMode } from '#protocol/shapes.ts';
import type { Decision, PolicyRules, Subject } from '#session/policy.ts';
import type { Approvals, Ask } from '../../main/host/agents/approvals.ts';
import type { PolicyDesk } from '../../main/host/agents/input-judge.ts';
import { IN_MEMORY, Journal } from '../../main/host/journal/journal.ts';
import { Records } from '../../main/host/journal/records.ts';
import type { SessionAccess } from '../../main/host/journal/stored-shapes.ts';
import type { LiveSession } from '../../main/host/sessions/live-session.ts';
import { type SimulatedHost, startSimulatedHost } from './simulated-host.ts';
import { type KeeperForgets, SimulatedKeeper } from './simulated-keeper.ts';
import { SimulatedClock, SimulatedLink, seededRandom } from './simulated-network.ts';

const SESSION = 'simulated0' as SessionId;
const PEOPLE = [
  { name: 'ann', kind: 'human' },
  { name: 'ben', kind: 'human' },
  { name: 'cleo', kind: 'agent' },
] as const;

/** One unit as it was typed: what its client knew, and what it was told. */
export type TypedUnit = { client: string; number: number; knownEpoch: Epoch | null; verdict: Verdict | null };
/** One unit as it reached the PTY, the epoch under which it was sent, and the session's when the gate let it pass. */
export type Written = { client: string; number: number; epoch: number; judgedIn: number };

type Peer = {
  name: string;
  kind: 'human' | 'agent';
  client: CmdopClient;
  stream: SessionStream;
  link: SimulatedLink | null;
  /** To the keeper, where typing is or was delegated to it. */
  straight: SimulatedLink | null;
  typed: TypedUnit[];
  /** An owner has removed it. */
  isOut: boolean;
};

/** `calm`: few faults, and people who wait for their echo. `quiet`: nobody types, and all is delivered. */
export type Phase = 'faulty' | 'calm' | 'quiet';

/** Rules that are dropped, to see that their loss is noticed. */
export type Forgetful = { forgetsRefusals?: boolean; keeperForgets?: KeeperForgets; neverRecalls?: boolean };

export class InputWorld {
  readonly random: () => number;
  readonly written: Written[] = [];
  /** Who took control, by epoch. */
  readonly takers = new Map<number, string>();
  /** Where people learned that they have control, in `written`, by epoch. */
  readonly granted: { epoch: number; at: number }[] = [];
  /** Epochs that fence what was typed before: of everybody, and of agents. */
  readonly fences: { everybody: number[]; agents: number[] } = { everybody: [], agents: [] };
  readonly peers: Peer[];
  /** Units in the order in which the host learned that they had passed. */
  readonly passed: string[] = [];
  /** Units that went past the host. */
  delegated = 0;
  readonly #clock = new SimulatedClock();
  readonly #journal = new Journal({ file: IN_MEMORY, wallNow: this.#clock.wallNow });
  readonly #records = new Records({
    journal: this.#journal,
    randomBytes: (n) => Uint8Array.from({ length: n }, () => this.random() * 256),
  });
  readonly #keeper: SimulatedKeeper;
  /** Epoch in which the gate let a unit pass. */
  readonly #acceptedIn = new Map<string, { epoch: number; judgedIn: number }>();
  #asked: { id: number; settled: Ask['settled'] }[] = [];
  #lastAsked = 0;
  /** As the disk has it: every host reads it. */
  readonly #access: SessionAccess = { controlMode: 'turns', agentsPaused: false, sizePolicy: 'controller', roles: [] };
  #mode: ControlMode = 'turns';
  #agentsPaused = false;
  #epoch = 0;
  /** Else it is busy, and the terminal takes no more. */
  #programReads = true;
  #keeperLink = new SimulatedLink();
  #host: SimulatedHost | null = null;
  readonly #neverRecalls: boolean;

  constructor(seed: number, options: Forgetful = {}) {
    if (options.forgetsRefusals) this.#records.keptRefusals = () => [];
    this.random = seededRandom(seed);
    this.#neverRecalls = options.neverRecalls ?? false;
    this.#keeper = new SimulatedKeeper({
      session: SESSION,
      clock: this.#clock,
      forgets: options.keeperForgets ?? null,
      typed: (bytes, epoch) => {
        const unit = new TextDecoder().decode(bytes);
        const told = this.granted.at(-1)?.epoch ?? 0;
        if (told > epoch)
          throw new Error(`${unit} was typed past the host in ${epoch}, after somebody knew that they had control in ${told}`);
        this.#acceptedIn.set(unit, { epoch, judgedIn: epoch });
        this.delegated++;
      },
      wrote: (bytes) => {
        const [client = '', number] = new TextDecoder().decode(bytes).split(':');
        const { epoch = -1, judgedIn = -1 } = this.#acceptedIn.get(`${client}:${number}`) ?? {};
        this.written.push({ client, number: Number(number), epoch, judgedIn });
      },
    });
    this.#startHost();
    this.peers = PEOPLE.map((person) => this.#newPeer(person));
  }

  async step(phase: Phase): Promise<void> {
    const dice = this.random();
    const peer = this.peers[Math.floor(this.random() * this.peers.length)];
    if (!peer) return;
    if (phase === 'faulty' && dice < 0.27) this.#fault(peer, this.random());
    else if (phase === 'calm' && dice < 0.1) this.#typeAtEase();
    else if (phase === 'calm' && dice < 0.11) this.#fault(peer, this.random());
    else this.#goOn(peer, phase, this.random());
    if (phase === 'calm') this.#goOn(peer, phase, this.random());
    await Promise.resolve(); // answers reach those who await them
  }

  #fault(peer: Peer, dice: number): void {
    if (dice < 0.05) this.#killHost();
    else if (dice < 0.14) peer.link?.cut();
    else if (dice < 0.28)
      void peer.stream.takeControl().catch(() => {}); // refused or cut: nothing to check
    else if (dice < 0.37) void peer.stream.releaseControl().catch(() => {});
    else if (dice < 0.46)
      void this.#govern(peer).catch(() => {}); // not allowed, or cut
    else if (dice < 0.5) this.#programReads = this.random() < 0.5;
    else this.#type(peer);
  }

  #goOn(peer: Peer, phase: Phase, dice: number): void {
    const all = phase === 'calm' ? this.peers : [peer];
    if (dice < 0.07) this.#clock.advance(this.random() * 900);
    else if (dice < 0.08) this.#letIn(peer);
    else if (dice < 0.13) for (const { straight } of this.peers) straight?.b.deliver();
    else if (dice < 0.35) for (const { link } of all) link?.a.deliver();
    else if (dice < 0.57) for (const { link } of all) link?.b.deliver();
    else if (dice < 0.61) this.#decide();
    else if (dice < 0.74) {
      if (this.#programReads || phase !== 'faulty') this.#keeper.take(this.random() < 0.8 ? 1 : this.random());
    } else if (dice < 0.87) this.#keeperLink.a.deliver();
    else this.#keeperLink.b.deliver();
  }

  /** What people do about who may act. */
  async #govern({ client, stream }: Peer): Promise<void> {
    const pick = <T>(all: readonly T[]) => all[Math.floor(this.random() * all.length)] as T;
    const session = SESSION;
    const actor = pick(PEOPLE).name;
    switch (Math.floor(this.random() * 9)) {
      case 0:
        await client.request('control.mode', { session, mode: pick(['turns', 'locked', 'open', 'open']) });
        return;
      case 1:
        await client.request('agents.pause', { session });
        return;
      case 2:
      case 3:
        await client.request('agents.resume', { session });
        return;
      case 4:
        await client.request('control.grant', { session, to: actor });
        return;
      case 5:
        await client.request('session.kick', { session, actor });
        return;
      case 6:
        await client.request('role.set', { session, actor, role: pick(['observer', 'operator', 'operator']) });
        return;
      case 7:
        await stream.requestControl('');
        return;
      default:
        stream.dropPending();
    }
  }

  /** Back to where it was removed from. */
  #letIn(peer: Peer): void {
    if (!peer.isOut || peer.stream.pending.units > 0) return;
    this.#host?.session.roles.set({ name: peer.name, kind: peer.kind } as Actor, 'operator', { name: 'ann', kind: 'human' } as Actor);
    peer.isOut = false;
    peer.stream = this.#attach(peer);
  }

  dispose(): void {
    for (const { client } of this.peers) client.close();
    this.#journal.dispose();
  }

  #type(peer: Peer): void {
    const unit: TypedUnit = {
      client: peer.name,
      number: peer.typed.length + 1,
      knownEpoch: peer.stream.control?.epoch ?? null,
      verdict: null,
    };
    peer.typed.push(unit);
    void peer.stream.type(new TextEncoder().encode(`${unit.client}:${unit.number}`)).then((verdict) => {
      if (unit.verdict) throw new Error(`second verdict for ${unit.client} ${unit.number}`);
      unit.verdict = verdict;
    });
  }

  /** Who has control and nothing under way: the host may delegate typing to them. */
  #typeAtEase(): void {
    const peer = this.peers.find(({ stream }) => stream.hasControl && stream.pending.units === 0);
    if (!peer) return;
    this.#type(peer);
    if (this.random() < 0.5) this.#type(peer);
  }

  #newPeer({ name, kind }: (typeof PEOPLE)[number]): Peer {
    const client = new CmdopClient({
      identity: { id: `client-${name}` as ClientId, interface: 'cli', name, kind, build: 'test' },
      clock: this.#clock,
      random: this.random,
      connect: async () => {
        if (!this.#host) throw new Error('no host');
        const link = new SimulatedLink();
        peer.link = link;
        this.#host.connect(link);
        return link.a;
      },
      openKeeper: async () => {
        const link = new SimulatedLink();
        peer.straight = link;
        this.#keeper.typist(link);
        return link.a;
      },
    });
    const peer: Omit<Peer, 'stream'> = { name, kind, client, link: null, straight: null, typed: [], isOut: false };
    return Object.assign(peer, { stream: this.#attach(peer) });
  }

  /** Epochs in which a person took control from an agent that had not given it up. */
  takenFromAgents(): Set<number> {
    const moves = this.#records.events({ session: SESSION, kinds: ['control'], limit: 10_000 });
    const taken = moves.filter(
      ({ payload }, at) => /^(typing|take-over)$/.test(String(payload.by)) && moves[at - 1]?.payload.client === 'client-cleo',
    );
    return new Set(taken.map(({ payload }) => Number(payload.epoch)));
  }

  #attach(peer: Omit<Peer, 'stream'>): SessionStream {
    const nothing = () => {};
    const changed = () => {
      const epoch = stream?.hasControl ? (stream.control?.epoch ?? 0) : 0;
      if (peer.kind === 'human' && epoch > (this.granted.at(-1)?.epoch ?? 0)) this.granted.push({ epoch, at: this.written.length });
    };
    let stream: SessionStream | null = null;
    stream = peer.client.attach(SESSION, {
      snapshot: nothing,
      output: nothing,
      resized: nothing,
      gap: nothing,
      refused: nothing,
      changed,
      ended: nothing,
      failed: () => {
        peer.isOut = true;
      },
    });
    return stream;
  }

  #killHost(): void {
    this.#host = null;
    this.#asked = []; // approvals are in memory: what waited is sent and asked again
    this.#keeperLink.cut();
    for (const { link } of this.peers) link?.cut();
    this.#startHost();
  }

  /** A new host: it knows what the journal and the keeper remember, nothing else. */
  #startHost(): void {
    this.#keeperLink = this.#keeper.connect((keeper) => {
      this.#host = startSimulatedHost({
        session: SESSION,
        keeper,
        access: this.#access,
        journal: this.#journal,
        records: this.#records,
        clock: this.#clock,
        desk: this.#desk(),
        accepted: (unit) => {
          const name = new TextDecoder().decode(unit.bytes);
          this.#acceptedIn.set(name, unit);
          this.passed.push(name);
        },
        changed: (session) => this.#noteControl(session),
      });
      if (this.#neverRecalls) this.#host.session.typing.delegation.over = () => null;
      return this.#host.session;
    });
  }

  /** Forbids some of what the agent types, and leaves some to a person who decides at some later step. */
  #desk(): PolicyDesk {
    const approvals = {
      isGranted: () => false,
      ask: ({ settled }: Ask) => {
        this.#asked.push({ id: ++this.#lastAsked, settled });
        return this.#lastAsked;
      },
      withdraw: (id: number) => {
        this.#asked = this.#asked.filter((asked) => asked.id !== id);
      },
    } as unknown as Approvals;
    const decide = ({ text }: Subject): Decision => {
      const number = Number(text.split(':')[1]);
      const verdict = number % 5 === 0 ? 'deny' : number % 3 === 0 ? 'ask' : 'allow';
      return { verdict, rule: 'model', seen: [], line: null };
    };
    const rules = { leavesPeopleAlone: true, decide } as unknown as PolicyRules;
    return { rules: () => rules, approvals, protected: { places: [] }, home: '/', isPrepared: () => true };
  }

  #decide(): void {
    const [asked] = this.#asked.splice(Math.floor(this.random() * this.#asked.length), 1);
    if (!asked) return;
    const { id, settled } = asked;
    if (this.random() < 0.6) settled({ is: 'approved', id, edited: null, answer: null });
    else settled({ is: 'rejected', id, message: 'no' });
  }

  #noteControl(session: LiveSession): void {
    const { control, agentsPaused } = session.summary();
    const { epoch, holder, mode } = control;
    if (mode !== this.#mode && (mode === 'open' || this.#mode === 'open')) this.fences.everybody.push(epoch);
    // Where no agent had control, none of their units is fenced by a stop, and all are by who has it.
    if (agentsPaused && !this.#agentsPaused && epoch !== this.#epoch) this.fences.agents.push(epoch);
    this.#epoch = epoch;
    this.#mode = mode;
    this.#agentsPaused = agentsPaused;
    if (holder && !this.takers.has(epoch)) this.takers.set(epoch, holder.actor.name);
  }
}
