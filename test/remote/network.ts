/** A network between a client and a server of this machine that can be slow, narrow, lossy, dead, and come back. */
import { connect, createServer, type Socket } from 'node:net';

export type Network = {
  readonly port: number;
  /** Bytes arrive this much later in each direction, milliseconds. */
  setDelay(oneWayMs: number): void;
  /** At most so many bytes a second in each direction; `Infinity` for as many as come. */
  setRate(bytesPerSecond: number): void;
  /** Every connection ends without a word; the next may be made at once. */
  cut(): void;
  /** Every connection ends, and none can be made until `heal`. */
  unplug(): void;
  /** No byte passes and nobody is told, as when a cable is pulled, until `heal`. */
  stall(): void;
  /** As `stall`, of the connections there are, and for good: those made later work, as after a change of address. */
  strand(): void;
  heal(): void;
  /** One bit of the next bytes to the client is turned over. */
  corrupt(): void;
  /** Connections made so far. */
  readonly connections: number;
  dispose(): void;
};

/** How often what could not be delivered is tried again, milliseconds. */
const RETRY_MS = 20;

/** Carries connections to `port` of this machine. */
export async function startNetwork(port: number): Promise<Network> {
  const sockets = new Set<Socket>();
  const stranded = new WeakSet<Socket>();
  let state: 'up' | 'unplugged' | 'stalled' = 'up';
  let delayMs = 0;
  let rate = Number.POSITIVE_INFINITY;
  let isCorrupting = false;
  let connections = 0;

  const carry = (from: Socket, to: Socket, isToClient: boolean) => {
    const late: { bytes: Buffer; at: number }[] = [];
    let timer: NodeJS.Timeout | null = null;
    let isFull = false;
    let budgetAt = 0;
    const isDead = () => state === 'stalled' || stranded.has(from);
    const deliver = () => {
      timer = null;
      isFull = false;
      for (;;) {
        const now = performance.now();
        const first = late[0];
        if (!first) return from.resume();
        const waitMs = isDead() ? RETRY_MS : Math.max(first.at - now, budgetAt - now);
        if (waitMs > 0) {
          timer = setTimeout(deliver, waitMs);
          return;
        }
        late.shift();
        if (isToClient && isCorrupting) {
          isCorrupting = false;
          const at = Math.floor(first.bytes.length / 2);
          first.bytes.writeUInt8(first.bytes.readUInt8(at) ^ 0x10, at);
        }
        budgetAt = Math.max(budgetAt, now) + (first.bytes.length / rate) * 1_000;
        if (!to.write(first.bytes)) {
          isFull = true;
          to.once('drain', deliver);
          return;
        }
      }
    };
    from.on('data', (bytes: Buffer) => {
      late.push({ bytes: Buffer.from(bytes), at: performance.now() + delayMs });
      if (rate !== Number.POSITIVE_INFINITY || isDead()) from.pause();
      if (timer === null && !isFull) deliver();
    });
    from.on('error', () => {}); // its end follows
    from.on('close', () => {
      sockets.delete(from);
      if (timer) clearTimeout(timer);
      if (!isDead()) to.destroy();
    });
    sockets.add(from);
  };
  const drop = () => {
    for (const socket of sockets) socket.resetAndDestroy();
  };

  const server = createServer((client) => {
    if (state === 'unplugged') {
      client.destroy();
      return;
    }
    connections++;
    client.setNoDelay(true);
    const host = connect(port, '127.0.0.1').setNoDelay(true);
    carry(client, host, false);
    carry(host, client, true);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    get connections() {
      return connections;
    },
    setDelay: (oneWayMs) => {
      delayMs = oneWayMs;
    },
    setRate: (bytesPerSecond) => {
      rate = bytesPerSecond;
    },
    cut: drop,
    unplug: () => {
      state = 'unplugged';
      drop();
    },
    stall: () => {
      state = 'stalled';
    },
    strand: () => {
      for (const socket of sockets) stranded.add(socket);
    },
    heal: () => {
      state = 'up';
    },
    corrupt: () => {
      isCorrupting = true;
    },
    dispose: () => {
      drop();
      server.close();
    },
  };
}
