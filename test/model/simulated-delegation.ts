/** What a keeper does of a delegation (main/keeper/native/delegation.c), beside a real keeper that knows nothing of it. */
import { FrameDecoder } from '#protocol/frames.ts';
import type { ClientId, Epoch, Seq } from '#protocol/ids.ts';
import { readUint32, readUint64, writeUint32, writeUint64 } from '#protocol/integers.ts';
import { encodeToKeeper, TOKEN_BYTES } from '../../main/keeper/wire.ts';
import type { SimulatedLink } from './simulated-network.ts';

const [WRITE, DELEGATE, RECALL, TYPED, RECALLED] = [2, 11, 12, 8, 9];

type Options = {
  /** A unit is let through past the host. */
  typed(bytes: Uint8Array, epoch: Epoch): void;
  /** Nothing waits for the terminal. */
  isFree(): boolean;
};

type Host = { link: SimulatedLink; write(frame: Uint8Array): void };

export class SimulatedDelegation {
  readonly typed: Options['typed'];
  readonly #isFree: Options['isFree'];
  /** The last unit of each client that the keeper has. */
  readonly #seen = new Map<string, number>();
  #host: Host | null = null;
  #out: { client: ClientId; epoch: Epoch; token: string; typist: SimulatedLink | null } | null = null;

  /** Has shown its token before the host's word was here: a real host's word is always first. */
  #early: { link: SimulatedLink; token: string } | null = null;

  constructor({ typed, isFree }: Options) {
    this.typed = typed;
    this.#isFree = isFree;
  }

  hostCame(link: SimulatedLink, write: Host['write']): void {
    this.#host = null; // it is not told
    this.#end();
    this.#host = { link, write };
  }

  hostLeft(link: SimulatedLink): void {
    if (this.#host?.link !== link) return;
    this.#host = null;
    this.#end();
  }

  /** A frame of the host. True if it is none of the keeper's business. */
  heard(frame: Uint8Array): boolean {
    const name = Buffer.from(frame.subarray(6, 6 + (frame[5] ?? 0))).toString();
    const rest = frame.subarray(6 + name.length);
    if (frame[4] === WRITE) this.#seen.set(name, Math.max(this.#seen.get(name) ?? 0, readUint64(rest, 0)));
    if (frame[4] === RECALL) this.#end();
    if (frame[4] === DELEGATE) {
      this.#end();
      const token = Buffer.from(rest.subarray(8, 8 + TOKEN_BYTES)).toString('hex');
      this.#out = { client: name as ClientId, epoch: readUint32(rest, 4) as Epoch, token, typist: null };
      if (this.#early?.token === token) this.#out.typist = this.#early.link;
    }
    return frame[4] === DELEGATE || frame[4] === RECALL;
  }

  typist(link: SimulatedLink): void {
    let token: string | null = null;
    link.b.listen({
      received: (bytes) => {
        if (token !== null) return this.#unit(link, bytes);
        token = Buffer.from(bytes.subarray(5)).toString('hex');
        this.#early = { link, token };
        if (this.#out?.token === token) this.#out.typist = link;
      },
      drained: () => {},
      closed: () => {
        if (this.#out?.typist === link) this.#end();
      },
    });
  }

  #unit(link: SimulatedLink, bytes: Uint8Array): void {
    const out = this.#out;
    const [frame] = [...new FrameDecoder().push(bytes)];
    if (!out || out.typist !== link || frame?.kind !== 'input' || frame.epoch !== out.epoch || !this.#isFree()) return link.cut();
    if (frame.seq <= (this.#seen.get(out.client) ?? 0)) return;
    this.#seen.set(out.client, frame.seq);
    this.typed(frame.bytes, out.epoch);
    this.#host?.link.b.send(typedFrame(out.client, frame.seq, frame.bytes));
    this.#host?.write(encodeToKeeper({ kind: 'write', client: out.client, seq: frame.seq, bytes: frame.bytes }));
  }

  #end(): void {
    const out = this.#out;
    if (!out) return;
    this.#out = null;
    out.typist?.cut();
    this.#host?.link.b.send(Uint8Array.of(1, 0, 0, 0, RECALLED));
  }
}

function typedFrame(client: ClientId, seq: Seq, bytes: Uint8Array): Uint8Array {
  const frame = new Uint8Array(6 + client.length + 16 + bytes.length);
  writeUint32(frame, 0, frame.length - 4);
  frame[4] = TYPED;
  frame[5] = client.length;
  frame.set(Buffer.from(client), 6);
  writeUint64(frame, 6 + client.length, seq);
  frame.set(bytes, 6 + client.length + 16);
  return frame;
}
