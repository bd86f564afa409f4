/**
 * Where the process that lets SSH guests in reaches the host: a socket that only this account can open, and a token that
 * only this process was given. What it says of a guest is looked at again by whoever admits.
 */
import { timingSafeEqual } from 'node:crypto';
import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { LineReader, type Opening, type Order, opening, type Report, report } from '../../guests/wire.ts';

/** The first line must be there by then, milliseconds, and is no longer than this, bytes. */
const OPENING_MS = 5_000;
const MAX_OPENING_BYTES = 4096;

export type GuestsLinkOptions = {
  socket: string;
  token: string;
  /** A guest whose key was proved: its own connection begins. */
  guest(socket: Socket, opening: Extract<Opening, { is: 'guest' }>): void;
  report(report: Report): void;
  /** The process is there, or gone. */
  changed(isThere: boolean): void;
};

export class GuestsLink {
  readonly #options: GuestsLinkOptions;
  readonly #server: Server;
  #control: Socket | null = null;

  constructor(options: GuestsLinkOptions) {
    this.#options = options;
    this.#server = createServer((socket) => this.#connected(socket));
  }

  get isThere(): boolean {
    return this.#control !== null;
  }

  async listen(): Promise<void> {
    const { socket } = this.#options;
    const isFile = process.platform !== 'win32';
    if (isFile) rmSync(socket, { force: true });
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(socket, () => {
        this.#server.on('error', (error) => console.error('the link of guests:', error)); // no room for a socket
        try {
          if (isFile) chmodSync(socket, 0o600);
          resolve();
        } catch (error) {
          reject(error as Error);
        }
      });
    });
  }

  order(order: Order): void {
    this.#control?.write(`${JSON.stringify(order)}\n`);
  }

  /** Tells the process to end, with a sentence for its guests. From here on it is not there: another may come beside it. */
  dismiss(message: string): void {
    this.#control?.end(endOrder(message));
    this.#control = null;
  }

  close(): void {
    this.#server.close();
    this.#control?.end(); // what was ordered before still goes
  }

  #connected(socket: Socket): void {
    const timer = setTimeout(() => socket.destroy(), OPENING_MS);
    let said = Buffer.alloc(0);
    const read = (bytes: Buffer): void => {
      said = Buffer.concat([said, bytes]);
      const end = said.indexOf('\n');
      if (end < 0 && said.length < MAX_OPENING_BYTES) return;
      clearTimeout(timer);
      socket.off('data', read).pause();
      this.#opened(socket, said.subarray(0, Math.max(0, end)).toString(), said.subarray(end + 1));
    };
    socket.on('error', () => {}); // the close follows
    socket.on('close', () => clearTimeout(timer));
    socket.on('data', read);
  }

  #opened(socket: Socket, line: string, rest: Buffer): void {
    const said = openingIn(line);
    if (!said || !isSame(said.token, this.#options.token)) return void socket.destroy();
    if (rest.length > 0) socket.unshift(rest);
    if (said.is === 'guest') this.#options.guest(socket, said);
    else this.#controlled(socket);
  }

  #controlled(socket: Socket): void {
    if (this.#control) {
      // One is enough, and the first has the ports.
      socket.end(endOrder('another process lets guests in'));
      return;
    }
    this.#control = socket;
    const lines = new LineReader();
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => {
      try {
        for (const line of lines.push(text)) {
          const said = report.parse(JSON.parse(line));
          // One that was dismissed has nothing more to say but whom it turned away.
          if (this.#control === socket || said.is === 'refused') this.#options.report(said);
        }
      } catch (error) {
        console.error('the process for guests said what it cannot have said:', error);
        socket.destroy();
      }
    });
    socket.on('close', () => {
      if (this.#control !== socket) return;
      this.#control = null;
      this.#options.changed(false);
    });
    socket.resume();
    this.#options.changed(true);
  }
}

const endOrder = (message: string) => `${JSON.stringify({ is: 'end', message } satisfies Order)}\n`;

function openingIn(line: string): Opening | null {
  try {
    return opening.parse(JSON.parse(line));
  } catch {
    return null; // nobody of ours: the connection is closed
  }
}

const isSame = (a: string, b: string) => a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
