/** Links that misbehave: one that carries a few bytes a second, and one whose far end vanishes without a word. */
import { createConnection, createServer, type Socket } from 'node:net';
import { connectToHost } from '#local/host-connection.ts';
import { localPaths } from '#local/paths.ts';
import { socketTransport } from '#local/socket-transport.ts';
import type { Transport } from '#protocol/transport.ts';

export type SlowLink = { connect(): Promise<Transport> /** Fast from now on. */; recover(): void };

/** Reads at most so many bytes a second from the host, which sees a full socket. */
export function slowLink(home: string, bytesPerSecond: number): SlowLink {
  let rate = bytesPerSecond;
  let wake = () => {};
  const connect = async (): Promise<Transport> => {
    const link = await connectToHost({ start: false, paths: localPaths({ CMDOP_HOME: home }) });
    let timer: NodeJS.Timeout | undefined;
    wake = () => link.resume?.();
    return {
      kind: link.kind,
      get queuedBytes() {
        return link.queuedBytes;
      },
      send: (...parts) => link.send(...parts),
      listen: (listener) =>
        link.listen({
          ...listener,
          received: (bytes) => {
            if (rate < Number.POSITIVE_INFINITY) {
              link.pause?.();
              timer = setTimeout(() => link.resume?.(), (bytes.length / rate) * 1000);
            }
            listener.received(bytes);
          },
        }),
      close: () => {
        clearTimeout(timer);
        link.close();
      },
    };
  };
  return {
    connect,
    recover: () => {
      rate = Number.POSITIVE_INFINITY;
      wake();
    },
  };
}

export type Proxy = {
  connect(): Promise<Transport>;
  /** From now on nothing is forwarded and nobody is told, as when a cable is pulled. */
  freeze(): void;
  close(): void;
};

/** Stands between a client and the host. */
export function openProxy(home: string, path: string): Promise<Proxy> {
  const sockets: Socket[] = [];
  let isFrozen = false;
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = createConnection({ path: localPaths({ CMDOP_HOME: home }).hostSocket, allowHalfOpen: true });
    sockets.push(near, far);
    const forward = (from: Socket, to: Socket) => {
      from.on('data', (bytes) => {
        if (!isFrozen) to.write(bytes);
      });
      from.on('error', () => {}); // its close follows
    };
    forward(near, far);
    forward(far, near);
    near.on('close', () => {
      if (!isFrozen) far.destroy();
    });
  });
  return new Promise((resolve) =>
    server.listen(path, () =>
      resolve({
        connect: () =>
          new Promise((connected, failed) => {
            const socket = createConnection(path, () => connected(socketTransport(socket)));
            socket.on('error', failed);
          }),
        freeze: () => {
          isFrozen = true;
          for (const socket of sockets) socket.pause();
        },
        close: () => {
          for (const socket of sockets) socket.destroy();
          server.close();
        },
      }),
    ),
  );
}
