/** What a test speaks to a keeper with, in the place of a host. */
import { connect, type Socket } from 'node:net';
import { vi } from 'vitest';
import type { ClientId, Offset, Seq } from '#protocol/ids.ts';
import { encodeToKeeper, FromKeeperDecoder } from '../../main/keeper/wire.ts';
import type { FromKeeper, KeeperHello, ToKeeper, Typed } from '../../main/keeper/wire-messages.ts';

export const WAIT = { timeout: 15_000, interval: 5 };

/** One end of a keeper's socket; a host once it has said hello. */
export class KeeperPeer {
  readonly socket: Socket;
  hello: KeeperHello | null = null;
  /** What was typed past an earlier host, as a keeper tells it again that does; null: not all of it has come. */
  retold: Typed[] | null = null;
  /** All that came after that, in order, and one empty output for all that came together. */
  readonly heard: FromKeeper[] = [];
  isClosed = false;
  /** Whether output is acknowledged as it comes. */
  isAcking = true;
  #parts: Buffer[] = [];
  readonly #decoder = new FromKeeperDecoder();
  #end = 0;
  readonly #retelling: Typed[] = [];

  constructor(path: string) {
    this.socket = connect(path);
    this.socket.on('data', (bytes) => {
      for (const message of this.#decoder.push(bytes)) this.#hear(message);
    });
    this.socket.on('error', () => {}); // `close` follows
    this.socket.on('close', () => {
      this.isClosed = true;
    });
  }

  #hear(message: FromKeeper): void {
    if (message.kind === 'hello') {
      this.hello = message.hello;
      if (!this.hello.features?.includes('retell')) this.retold = [];
    } else if (!this.retold && message.kind === 'typed') this.#retelling.push(message);
    else if (!this.retold && message.kind === 'recalled') this.retold = this.#retelling;
    else if (message.kind !== 'output') this.heard.push(message);
    else {
      if (this.#end !== 0 && message.offset !== this.#end) throw new Error(`output at ${message.offset} instead of ${this.#end}`);
      this.#end = message.offset + message.bytes.length;
      this.#parts.push(Buffer.from(message.bytes));
      if (this.heard.at(-1)?.kind !== 'output') this.heard.push({ ...message, bytes: new Uint8Array(0) });
      if (this.isAcking) this.send({ kind: 'ack', offset: this.#end as Offset });
    }
  }

  /** All output since HELLO. */
  get bytes(): Buffer {
    if (this.#parts.length !== 1) this.#parts = [Buffer.concat(this.#parts)];
    return this.#parts[0] as Buffer;
  }
  get text(): string {
    return this.bytes.toString();
  }

  send(...messages: ToKeeper[]): void {
    this.socket.write(Buffer.concat(messages.map(encodeToKeeper)));
  }
  write(client: string, seq: number, text: string | Uint8Array): void {
    this.send({ kind: 'write', client: client as ClientId, seq: seq as Seq, bytes: Buffer.from(text) });
  }
  drop(...clients: string[]): void {
    this.send({ kind: 'drop', clients: clients.length === 0 ? null : (clients as ClientId[]) });
  }

  until<T>(seen: () => T | null | undefined | false): Promise<T> {
    return vi.waitUntil(seen, WAIT) as Promise<T>;
  }
  /** Until the output says so; what it then is. */
  async says(what: string | RegExp): Promise<string> {
    const isSaid = () => (typeof what === 'string' ? this.text.includes(what) : what.test(this.text));
    await vi.waitUntil(isSaid, WAIT).catch(() => {
      throw new Error(`${what} is not in ${JSON.stringify(this.text.slice(-2000))}`);
    });
    return this.text;
  }
  /** Until the keeper has done all that it was told, and says so. */
  async answers(): Promise<void> {
    const before = this.count('dropped');
    this.send({ kind: 'drop', clients: [] });
    await this.until(() => this.count('dropped') > before);
  }
  count(kind: FromKeeper['kind']): number {
    return this.heard.filter((message) => message.kind === kind).length;
  }
  /** Waits for the first message of a kind, or the one after `skipped` of them. */
  next<K extends FromKeeper['kind']>(kind: K, skipped = 0): Promise<FromKeeper & { kind: K }> {
    return this.until(() => this.heard.filter((message) => message.kind === kind)[skipped] as (FromKeeper & { kind: K }) | undefined);
  }
}
