/** A real keeper whose PTY is simulated: it takes bytes in order, but not always at once, and not always a unit at a time. */
import type { Clock } from '#protocol/clock.ts';
import type { Offset, SessionId } from '#protocol/ids.ts';
import type { KeeperLink } from '../../main/host/keepers/keeper-link.ts';
import type { LiveSession } from '../../main/host/sessions/live-session.ts';
import { InputQueue } from '../../main/keeper/input-queue.ts';
import { Keeper } from '../../main/keeper/keeper.ts';
import { encodeToKeeper, FromKeeperDecoder, KEEPER_WIRE } from '../../main/keeper/wire.ts';
import type { DroppedOf, KeeperHello, ToKeeper } from '../../main/keeper/wire-messages.ts';
import { SimulatedDelegation } from './simulated-delegation.ts';
import { SimulatedLink } from './simulated-network.ts';

/** What the keeper is made to forget, to see that its loss is noticed. */
export type KeeperForgets = 'ledger' | 'dropped' | null;

export class SimulatedKeeper {
  readonly #keeper: Keeper;
  readonly #queue = new InputQueue();
  readonly #forgets: KeeperForgets;
  /** As main/keeper/native/delegation.c does it. */
  readonly #delegation: SimulatedDelegation;

  /** `wrote`: a unit has reached the PTY whole. */
  constructor(options: {
    session: SessionId;
    clock: Clock;
    forgets: KeeperForgets;
    typed: SimulatedDelegation['typed'];
    wrote(bytes: Uint8Array): void;
  }) {
    this.#forgets = options.forgets;
    this.#delegation = new SimulatedDelegation({ typed: options.typed, isFree: () => this.#queue.front === null });
    this.#keeper = new Keeper(
      { session: options.session, meta: {}, cols: 80, rows: 24 },
      { released: () => {}, after: (ms, work) => options.clock.after(ms, work) },
    );
    this.#keeper.start({
      pid: 1,
      queuedBytes: 0,
      write: (input) => {
        const written = () => {
          options.wrote(input.bytes);
          input.written();
        };
        this.#queue.push({ ...input, written });
      },
      takeBack: (clients) => this.#queue.takeBack(clients),
      resize: () => {},
      pause: () => {},
      resume: () => {},
    });
  }

  /** The PTY takes a part of what comes next: from 0 for nothing to 1 for the whole unit. */
  take(part: number): void {
    const { front } = this.#queue;
    if (front) this.#queue.took(Math.ceil(front.length * part));
  }

  /** A new host: `greeted` makes its session of what the keeper remembers. */
  connect(greeted: (keeper: KeeperLink) => LiveSession): SimulatedLink {
    const link = new SimulatedLink();
    const peer = this.#keeper.connected({
      write: (bytes) => {
        link.b.send(bytes);
        return true;
      },
      cork: () => {},
      uncork: () => {},
      destroy: () => link.cut(),
    });
    this.#delegation.hostCame(link, (bytes) => peer.received(bytes));
    link.b.listen({
      received: (bytes) => {
        if (!this.#delegation.heard(bytes)) peer.received(bytes);
      },
      drained: () => {},
      closed: () => {
        this.#delegation.hostLeft(link);
        peer.closed();
      },
    });
    const tell = (message: ToKeeper) => link.a.send(encodeToKeeper(message));
    const decoder = new FromKeeperDecoder();
    const drops: ((units: DroppedOf[]) => void)[] = [];
    let session: LiveSession | null = null;
    link.a.listen({
      received: (bytes) => {
        for (const message of decoder.push(bytes)) {
          if (message.kind === 'hello') session = greeted(writer(this.#remembered(message.hello, tell), tell, drops));
          else if (message.kind === 'applied') session?.keeperListener.applied(message.client, message.seq);
          else if (message.kind === 'refused') session?.keeperListener.refused(message.client, message.seq);
          else if (message.kind === 'typed') session?.keeperListener.typed(message);
          else if (message.kind === 'recalled') session?.keeperListener.recalled();
          else if (message.kind === 'dropped') {
            session?.keeperListener.dropped(message.units);
            drops.shift()?.(message.units);
          }
        }
      },
      drained: () => {},
      closed: () => {},
    });
    tell({ kind: 'hello', wire: KEEPER_WIRE, from: 0 as Offset });
    return link;
  }

  /** A client that says that typing was delegated to it. */
  typist(link: SimulatedLink): void {
    this.#delegation.typist(link);
  }

  #remembered(hello: KeeperHello, tell: (message: ToKeeper) => void): KeeperHello {
    if (this.#forgets === 'dropped')
      return { ...hello, ledger: hello.ledger.map(([client, { accepted, applied }]) => [client, { accepted, applied }]) };
    if (this.#forgets !== 'ledger') return hello;
    for (const [client] of hello.ledger) tell({ kind: 'forget', client });
    return { ...hello, ledger: [] };
  }
}

function writer(hello: KeeperHello, tell: (message: ToKeeper) => void, drops: ((units: DroppedOf[]) => void)[]): KeeperLink {
  return {
    hello,
    takesBack: true,
    delegates: true,
    delegate: (to) => tell({ kind: 'delegate', ...to }),
    recall: () => tell({ kind: 'recall' }),
    write: (client, seq, bytes) => tell({ kind: 'write', client, seq, bytes }),
    resize: ({ cols, rows }) => tell({ kind: 'resize', cols, rows }),
    forget: (client) => tell({ kind: 'forget', client }),
    note: (bytes) => tell({ kind: 'note', bytes }),
    urgent: (bytes) => tell({ kind: 'urgent', bytes }),
    drop: (clients) => {
      tell({ kind: 'drop', clients });
      return new Promise((resolve) => drops.push(resolve));
    },
  } satisfies Partial<KeeperLink> as unknown as KeeperLink;
}
