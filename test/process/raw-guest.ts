/** A guest that says what it likes: it knows the wire, and does with challenge and proof what no client would. */
import { randomBytes } from 'node:crypto';
import type { Identity } from '#local/identity.ts';
import { parsePublicKey } from '#local/ssh-keys.ts';
import { proofText } from '#protocol/authentication.ts';
import { encodeMessage, encodeOrigin, MAGIC } from '#protocol/frames.ts';
import type { ClientId } from '#protocol/ids.ts';
import type { Result } from '#protocol/messages.ts';
import type { Origin } from '#protocol/shapes.ts';
import type { Proof } from '#protocol/sharing.ts';
import { PROTOCOL } from '#protocol/versions.ts';
import type { Engine } from './engine.ts';
import { sharedSocket } from './guest-clients.ts';
import { messageOf, WirePeer } from './wire-peer.ts';

type Answer = { id: number; result?: unknown; error?: { code: string; message: string } };

export class RawGuest {
  readonly #peer: WirePeer;
  #nextId = 1;

  constructor(peer: WirePeer) {
    this.#peer = peer;
    peer.send(MAGIC);
  }

  static async at(engine: Engine): Promise<RawGuest> {
    return new RawGuest(await WirePeer.open(sharedSocket(engine), MAGIC.length));
  }

  get isClosed(): boolean {
    return this.#peer.isClosed;
  }

  async ask(method: string, params: object): Promise<Answer> {
    const id = this.#nextId++;
    this.#peer.send(encodeMessage({ id, method, params }));
    const frame = await this.#peer.until(method, () => this.#peer.frames.find((each) => messageOf(each)?.id === id));
    return messageOf(frame) as Answer;
  }

  /** A proof of `identity` over a fresh challenge. */
  async proof(identity: Identity, client: ClientId, code?: string): Promise<Proof> {
    const clientNonce = randomBytes(32).toString('base64');
    const { result } = await this.ask('auth.challenge', { client, nonce: clientNonce });
    const { host, nonce } = result as Result<'auth.challenge'>;
    const challenge = { host: parsePublicKey(host).fingerprint, client, clientNonce, hostNonce: nonce };
    return {
      key: identity.publicKey.text,
      signature: identity.sign(proofText(challenge)),
      ...(code === undefined ? {} : { code }),
    };
  }

  hello(client: ClientId, auth?: Proof): Promise<Answer> {
    return this.ask('hello', {
      protocol: PROTOCOL,
      client: { id: client, interface: 'cli', name: 'x', build: 'x' },
      ...(auth ? { auth } : {}),
    });
  }

  /** Counts if nothing was said before. */
  claim(origin: Origin): void {
    this.#peer.send(encodeOrigin(origin));
  }

  close(): void {
    this.#peer.close();
  }
}
