/**
 * The link to the host, which says who may come in where. It comes back after a crash of the host, which is started anew
 * if need be, so that guests stay; after an end on purpose, or too long alone, this process ends.
 */
import { connect, type Socket } from 'node:net';
import { openHostSocket } from '#local/host-connection.ts';
import { localPaths } from '#local/paths.ts';
import type { HostDoor } from './guest-client.ts';
import { LineReader, type Opening, type Order, order, type Report } from './wire.ts';

/** Without a host for this long nobody is let in any more, milliseconds. */
const ALONE_MS = 30_000;
/** Between two attempts to reach the host, milliseconds. */
const AGAIN_MS = 100;

export type HostLinkListener = {
  doors(order: Extract<Order, { is: 'doors' }>): void;
  /** The link is back: the host knows nothing of us. */
  back(): void;
  /** It is over, with a sentence for guests. */
  end(message: string): void;
};

export class HostLink {
  readonly #door: HostDoor;
  readonly #listener: HostLinkListener;
  #socket: Socket | null = null;
  #aloneSince = performance.now();
  #isOver = false;

  constructor(door: HostDoor, listener: HostLinkListener) {
    this.#door = door;
    this.#listener = listener;
    this.#connect();
  }

  report(report: Report): void {
    this.#socket?.write(`${JSON.stringify(report)}\n`);
  }

  #connect(): void {
    const socket = connect(this.#door.socket);
    const lines = new LineReader();
    socket.setEncoding('utf8');
    socket.on('connect', () => {
      this.#socket = socket;
      const opening: Opening = { is: 'control', token: this.#door.token, pid: process.pid };
      socket.write(`${JSON.stringify(opening)}\n`);
      this.#listener.back();
    });
    socket.on('data', (text: string) => {
      try {
        for (const line of lines.push(text)) this.#order(order.parse(JSON.parse(line)));
      } catch (error) {
        console.error('the host said what it cannot have said:', error);
        socket.destroy();
      }
    });
    socket.on('error', () => {}); // the close follows
    socket.on('close', () => this.#lost(socket));
  }

  #order(said: Order): void {
    this.#aloneSince = Number.POSITIVE_INFINITY;
    if (said.is === 'doors') this.#listener.doors(said);
    else this.#end(said.message);
  }

  #lost(socket: Socket): void {
    if (this.#isOver) return;
    const now = performance.now();
    if (this.#socket === socket) {
      this.#socket = null;
      this.#aloneSince = Math.min(this.#aloneSince, now);
      // Whoever works here alone waits for nobody else to start the next host.
      openHostSocket({ start: true, paths: localPaths() }).then(
        (other) => other.destroy(),
        () => {}, // the next attempt tells
      );
    }
    if (now - this.#aloneSince > ALONE_MS) this.#end('the host is gone: try again in a moment');
    else setTimeout(() => this.#connect(), AGAIN_MS);
  }

  #end(message: string): void {
    this.#isOver = true;
    this.#listener.end(message);
  }
}
