/**
 * Three real clients, one of them an agent's, a real session in a host, a real keeper, a network that is cut and a host
 * that is killed at seeded moments, and people who change modes, stop agents, give control and remove each other. Only the
 * edges are simulated: links, clock, PTY and screen.
 */
import { CmdopClient } from '#client/cmdop-client.ts';
import type { Verdict } from '#client/input-outbox.ts';
import type { SessionStream } from '#client/session-stream.ts';
import type { Channel, ClientId, Epoch, Offset, SessionId } from '#protocol/ids.ts';
import type { Actor, ControlMode, Size } from '#protocol/shapes.ts';
import type { Decision, PolicyRules, Subject } from '#session/policy.ts';
import type { Approvals, Ask } from '../../main/host/approvals.ts';
import { ClientConnection, type Handlers } from '../../main/host/client-connection.ts';
import type { PolicyDesk } from '../../main/host/input-judge.ts';
import { IN_MEMORY, Journal } from '../../main/host/journal.ts';
import type { KeeperLink } from '../../main/host/keeper-link.ts';
import { LiveSession } from '../../main/host/live-session.ts';
import { Attachments, createHandlers, type MethodsContext } from '../../main/host/methods.ts';
import { Records, type SessionAccess } from '../../main/host/records.ts';
import type { SessionOutput } from '../../main/host/session-output.ts';
import { Keeper } from '../../main/keeper/keeper.ts';
import { encodeToKeeper, FromKeeperDecoder, KEEPER_WIRE, type ToKeeper } from '../../main/keeper/wire.ts';
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
  typed: TypedUnit[];
  /** An owner has removed it. */
  isOut: boolean;
};

export class InputWorld {
  readonly random: () => number;
  readonly written: Written[] = [];
  /** Who took control, by epoch. */
  readonly takers = new Map<number, string>();
  /** Epochs that fence what was typed before: of everybody, and of agents. */
  readonly fences: { everybody: number[]; agents: number[] } = { everybody: [], agents: [] };
  readonly peers: Peer[];
  readonly #clock = new SimulatedClock();
  readonly #journal = new Journal({ file: IN_MEMORY, wallNow: this.#clock.wallNow });
  readonly #records = new Records({
    journal: this.#journal,
    randomBytes: (n) => Uint8Array.from({ length: n }, () => this.random() * 256),
  });
  readonly #keeper: Keeper;
  readonly #forgetsLedger: boolean;
  /** Epoch in which the gate let a unit pass. */
  readonly #acceptedIn = new Map<string, { epoch: number; judgedIn: number }>();
  #asked: { id: number; settled: Ask['settled'] }[] = [];
  #lastAsked = 0;
  /** As the disk has it: every host reads it. */
  readonly #access: SessionAccess = { controlMode: 'turns', agentsPaused: false, sizePolicy: 'controller', roles: [] };
  #mode: ControlMode = 'turns';
  #agentsPaused = false;
  #epoch = 0;
  #pendingWrites: (() => void)[] = [];
  #keeperLink = new SimulatedLink();
  #host: { session: LiveSession; connect(link: SimulatedLink): void } | null = null;

  /** `forgetsLedger`: drops the rule that the keeper remembers what it wrote, to see that its loss is noticed. */
  constructor(seed: number, options: { forgetsRefusals?: boolean; forgetsLedger?: boolean } = {}) {
    this.#forgetsLedger = options.forgetsLedger ?? false;
    if (options.forgetsRefusals) this.#records.keptRefusals = () => [];
    this.random = seededRandom(seed);
    this.#keeper = new Keeper(
      { session: SESSION, meta: {}, cols: 80, rows: 24 },
      { released: () => {}, after: (ms, work) => this.#clock.after(ms, work) },
    );
    this.#keeper.start({
      pid: 1,
      queuedBytes: 0,
      write: (bytes, written) => {
        // A PTY takes bytes in order, but not always at once.
        this.#pendingWrites.push(() => {
          const [client = '', number] = new TextDecoder().decode(bytes).split(':');
          const unit = `${client}:${number}`;
          const { epoch = -1, judgedIn = -1 } = this.#acceptedIn.get(unit) ?? {};
          this.written.push({ client, number: Number(number), epoch, judgedIn });
          written();
        });
      },
      resize: () => {},
      pause: () => {},
      resume: () => {},
    });
    this.#startHost();
    this.peers = PEOPLE.map((person) => this.#newPeer(person));
  }

  async step(faults: boolean): Promise<void> {
    const dice = this.random();
    const peer = this.peers[Math.floor(this.random() * this.peers.length)];
    if (!peer) return;
    if (faults && dice < 0.01) this.#killHost();
    else if (faults && dice < 0.03) peer.link?.cut();
    else if (dice < 0.08) this.#clock.advance(this.random() * 900);
    else if (faults && dice < 0.11)
      void peer.stream.takeControl().catch(() => {}); // refused or cut: nothing to check
    else if (faults && dice < 0.13) void peer.stream.releaseControl().catch(() => {});
    else if (faults && dice < 0.15)
      void this.#govern(peer).catch(() => {}); // not allowed, or cut
    else if (faults && dice < 0.27) this.#type(peer);
    else if (dice < 0.28) this.#letIn(peer);
    else if (dice < 0.45) peer.link?.a.deliver();
    else if (dice < 0.62) peer.link?.b.deliver();
    else if (dice < 0.65) this.#decide();
    else if (dice < 0.75) this.#pendingWrites.shift()?.();
    else if (dice < 0.88) this.#keeperLink.a.deliver();
    else this.#keeperLink.b.deliver();
    await Promise.resolve(); // answers reach those who await them
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
    });
    const peer: Omit<Peer, 'stream'> = { name, kind, client, link: null, typed: [], isOut: false };
    return Object.assign(peer, { stream: this.#attach(peer) });
  }

  #attach(peer: Omit<Peer, 'stream'>): SessionStream {
    const nothing = () => {};
    return peer.client.attach(SESSION, {
      snapshot: nothing,
      output: nothing,
      resized: nothing,
      gap: nothing,
      refused: nothing,
      changed: nothing,
      ended: nothing,
      failed: () => {
        peer.isOut = true;
      },
    });
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
    const link = new SimulatedLink();
    this.#keeperLink = link;
    const peer = this.#keeper.connected({
      write: (bytes) => {
        link.b.send(bytes);
        return true;
      },
      cork: () => {},
      uncork: () => {},
      destroy: () => link.cut(),
    });
    link.b.listen({ received: (bytes) => peer.received(bytes), drained: () => {}, closed: () => peer.closed() });
    const tell = (message: ToKeeper) => link.a.send(encodeToKeeper(message));
    const decoder = new FromKeeperDecoder();
    link.a.listen({
      received: (bytes) => {
        for (const message of decoder.push(bytes)) {
          if (message.kind === 'hello') {
            const hello = this.#forgetsLedger ? { ...message.hello, ledger: [] } : message.hello;
            if (this.#forgetsLedger) for (const [client] of message.hello.ledger) tell({ kind: 'forget', client });
            this.#host = this.#newHost({ hello, ...writer(tell) } as unknown as KeeperLink);
          } else if (message.kind === 'applied') this.#host?.session.keeperListener.applied(message.client, message.seq);
        }
      },
      drained: () => {},
      closed: () => {},
    });
    tell({ kind: 'hello', wire: KEEPER_WIRE, from: 0 as Offset });
  }

  #newHost(keeper: KeeperLink): { session: LiveSession; connect(link: SimulatedLink): void } {
    const attachments = new Attachments();
    const session = new LiveSession({
      stored: {
        id: SESSION,
        name: 'simulated',
        command: ['sh'],
        cwd: '/',
        title: '',
        size: { cols: 80, rows: 24 },
        createdAt: 0,
        endedAt: null,
        end: null,
        bootId: 'x',
        access: this.#access,
      },
      output: silentOutput(),
      commands: {
        cwd: null,
        running: null,
        hasIntegration: false,
        isEditing: true,
        onContext: () => {},
        context: () => ({
          is: 'program',
          generation: 0,
          folder: '/',
          program: null,
          drafted: [],
          alternateScreen: true,
          bracketedPaste: false,
          readsLines: false,
          isOwn: () => false,
        }),
        input: ({ bytes, epoch }: { bytes: Uint8Array; epoch: Epoch }) =>
          this.#acceptedIn.set(new TextDecoder().decode(bytes), { epoch, judgedIn: session.summary().control.epoch }),
      } as never,
      journal: this.#journal,
      records: this.#records,
      clock: this.#clock,
      keeper,
      remembered: this.#records.lastControl(SESSION),
      agentsPaused: false,
      desk: this.#desk(),
      tty: () => null,
      dropUnread: () => {},
      events: { changed: () => this.#noteControl(session), typing: () => {} },
    });
    const context = {
      registry: { find: () => session },
      records: this.#records,
      attachments,
      identity: { version: 'test', build: null, startedAt: 0 },
      isPresent: () => false,
    } as unknown as MethodsContext;
    const handlers = createHandlers(context) as Handlers; // of the rest nothing is asked here
    return {
      session,
      connect: (link) => {
        new ClientConnection(link.b, {
          handlers,
          permit: () => null,
          input: (connection, { channel, epoch, seq, bytes }) =>
            attachments.get(connection, channel)?.input(channel, { epoch, seq, bytes }),
          acknowledged: () => {},
          drained: () => {},
          closed: (connection) => {
            for (const [channel, attached] of attachments.take(connection)) attached.cut(channel);
          },
        });
      },
    };
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
    return { rules: () => rules, approvals, protected: { places: [] }, home: '/' };
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

function writer(tell: (message: ToKeeper) => void): Pick<KeeperLink, 'write' | 'resize' | 'forget' | 'note'> {
  return {
    write: (client, seq, bytes) => tell({ kind: 'write', client, seq, bytes }),
    resize: ({ cols, rows }) => tell({ kind: 'resize', cols, rows }),
    forget: (client) => tell({ kind: 'forget', client }),
    note: (bytes) => tell({ kind: 'note', bytes }),
  };
}

/** A program that prints nothing. */
function silentOutput(): SessionOutput {
  const size: Size = { cols: 80, rows: 24 };
  return {
    end: 0 as Offset,
    size,
    from: () => {},
    begin: async () => ({ mode: 'resume', offset: 0, size, text: new Uint8Array(0), resizeIndex: 0, replayUntil: 0 }),
    subscribe: ({ channel }: { channel: Channel }) => ({ channel, pump: () => {}, ack: () => {} }),
    unsubscribe: () => {},
  } as unknown as SessionOutput;
}
