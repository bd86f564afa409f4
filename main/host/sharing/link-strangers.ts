/**
 * Connections to the address of links that have shown neither a link nor its cookie yet: few at a time, each for seconds,
 * so that whoever has a link gets in through any crowd. What is hung up on is counted.
 */
import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Strangers } from '#local/strangers.ts';

/** As many as the kernel lets wait: of all that are accepted in one turn the first is still there when it is read. */
const MAX_STRANGERS = 512;
/** A connection shows what it has within this, milliseconds. */
const PROOF_MS = 3_000;
/** Browsers connect beforehand and say nothing: so few that wait in vain are nobody's attack. */
const FEW = 8;

type Stranger = { close(): void; timer: NodeJS.Timeout };

export class LinkStrangers {
  readonly #refused: (message: string) => void;
  readonly #strangers: Strangers;
  /** By address and port: with TLS a request comes by another socket than the one that connected. */
  readonly #waiting = new Map<string, Stranger>();

  constructor(options: { refused: (message: string) => void }) {
    this.#refused = options.refused;
    this.#strangers = new Strangers({ ...options, most: MAX_STRANGERS });
  }

  watch(server: Server): void {
    server.on('connection', (socket: Socket) => this.#came(socket));
    server.on('drop', () => this.#refused('more connections at a time than are heard'));
    server.on('clientError', ({ code = 'unknown' }: NodeJS.ErrnoException, socket: Duplex) => {
      socket.destroy();
      if (code !== 'ECONNRESET' && code !== 'EPIPE') this.#refused(`what came was no request (${code})`);
    });
  }

  /** Whoever asks has a link, or the cookie of one. */
  proved({ socket }: IncomingMessage): void {
    this.#left(placeOf(socket));
  }

  #came(socket: Socket): void {
    const place = placeOf(socket);
    const timer = setTimeout(() => {
      if (this.#strangers.size > FEW) this.#refused(`a connection proved nothing within ${PROOF_MS / 1000} s`);
      socket.destroy();
    }, PROOF_MS);
    timer.unref();
    const stranger: Stranger = { timer, close: () => socket.destroy() };
    this.#waiting.set(place, stranger);
    socket.on('error', () => {}); // the close follows
    socket.on('close', () => this.#left(place));
    this.#strangers.came(stranger, socket.remoteAddress);
  }

  #left(place: string): void {
    const stranger = this.#waiting.get(place);
    if (!stranger) return;
    clearTimeout(stranger.timer);
    this.#waiting.delete(place);
    this.#strangers.left(stranger);
  }
}

const placeOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`;
