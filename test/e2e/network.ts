/** A network between a test's window and a host: it can be slow, be cut, and come back. */
import { connect, createServer, type Socket } from 'node:net';

export type Network = {
  readonly port: number;
  /** Bytes arrive this much later in each direction, milliseconds. */
  setDelay(oneWayMs: number): void;
  /** Every connection ends without a word, and none can be made until `heal`. */
  cut(): void;
  /** No byte passes and nobody is told, as when a cable is pulled, until `heal`. */
  stall(): void;
  heal(): void;
  dispose(): void;
};

/** Carries connections to `port` of this machine. */
export async function startNetwork(port: number): Promise<Network> {
  const sockets = new Set<Socket>();
  let delayMs = 0;
  let state: 'up' | 'cut' | 'stalled' = 'up';

  const carry = (from: Socket, to: Socket) => {
    const late: { bytes: Buffer; at: number }[] = [];
    let timer: NodeJS.Timeout | null = null;
    const deliver = () => {
      timer = null;
      for (let first = late[0]; first && first.at <= performance.now() && state !== 'stalled'; first = late[0]) {
        to.write(first.bytes);
        late.shift();
      }
      if (late[0]) timer = setTimeout(deliver, state === 'stalled' ? 50 : Math.max(0, late[0].at - performance.now()));
    };
    from.on('data', (bytes: Buffer) => {
      late.push({ bytes, at: performance.now() + delayMs });
      timer ??= setTimeout(deliver, delayMs);
    });
    from.on('error', () => {}); // its end follows
    from.on('close', () => {
      sockets.delete(from);
      if (timer) clearTimeout(timer);
      to.destroy();
    });
    sockets.add(from);
  };

  const server = createServer((client) => {
    if (state === 'cut') {
      client.destroy();
      return;
    }
    client.setNoDelay(true);
    const host = connect(port, '127.0.0.1').setNoDelay(true);
    carry(client, host);
    carry(host, client);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const drop = () => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    setDelay: (oneWayMs) => {
      delayMs = oneWayMs;
    },
    cut: () => {
      state = 'cut';
      drop();
    },
    stall: () => {
      state = 'stalled';
    },
    heal: () => {
      state = 'up';
    },
    dispose: () => {
      drop();
      server.close();
    },
  };
}
