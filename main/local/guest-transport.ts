/**
 * A transport that proves a key to a host before its client says hello, and is nothing but the bytes from then on. So
 * every client becomes a guest in the same way, and none of them sees the private key.
 */
import { randomBytes } from 'node:crypto';
import { CmdopError, toWireError } from '#protocol/errors.ts';
import { encodeMessage, FrameReader, MAGIC, MAX_NOISE_BYTES } from '#protocol/frames.ts';
import type { ClientId } from '#protocol/ids.ts';
import { envelope, METHODS, type Result } from '#protocol/messages.ts';
import type { Transport, TransportListener } from '#protocol/transport.ts';
import { type GuestTarget, proofFor } from './guest-proof.ts';
import { PassingTransport } from './passing-transport.ts';

/** No client counts as far: the answer to our own request is told apart. */
const CHALLENGE_ID = Number.MAX_SAFE_INTEGER;

type Hello = { id: number; params: { client: { id: ClientId } } & Record<string, unknown> };

export class GuestTransport extends PassingTransport {
  readonly #target: GuestTarget;
  readonly #nonce = randomBytes(32).toString('base64');
  /** What the client says before it is let through. */
  readonly #outgoing = new FrameReader();
  /** What the host says before; null from then on. */
  #incoming: FrameReader | null = new FrameReader(MAX_NOISE_BYTES);
  #hello: Hello | null = null;
  #listener: TransportListener | null = null;

  constructor(transport: Transport, target: GuestTarget) {
    super(transport);
    this.#target = target;
  }

  override send(...parts: Uint8Array[]): void {
    if (!this.#incoming) super.send(...parts);
    else for (const part of parts) this.#introduce(part);
  }

  override listen(listener: TransportListener): void {
    this.#listener = listener;
    super.listen(listener);
  }

  protected override received(bytes: Uint8Array, listener: TransportListener): void {
    if (this.#incoming) this.#answered(this.#incoming, bytes);
    else super.received(bytes, listener);
  }

  /** The magic goes on as it is; of the hello first only whose it is. */
  #introduce(bytes: Uint8Array): void {
    if (bytes.length === MAGIC.length && bytes.every((byte, at) => byte === MAGIC[at])) this.transport.send(bytes);
    for (const frame of this.#outgoing.push(bytes)) {
      if (frame.kind !== 'message' || this.#hello) continue; // nothing else comes before the greeting
      this.#hello = JSON.parse(frame.json) as Hello; // our own client's
      const { client } = this.#hello.params;
      this.transport.send(encodeMessage({ id: CHALLENGE_ID, method: 'auth.challenge', params: { client: client.id, nonce: this.#nonce } }));
    }
  }

  #answered(reader: FrameReader, bytes: Uint8Array): void {
    try {
      for (const frame of reader.push(bytes)) {
        const message = frame.kind === 'message' ? envelope.safeParse(JSON.parse(frame.json)).data : undefined;
        if (!message || !('id' in message) || 'method' in message) continue;
        if ('error' in message) throw CmdopError.from(message.error);
        const answer = METHODS['auth.challenge'].result.safeParse(message.result).data;
        if (answer) this.#prove(answer);
        return;
      }
    } catch (error) {
      this.#refuse(error instanceof CmdopError ? error : new CmdopError('bad-frame', `${this.#target.name}: ${(error as Error).message}`));
    }
  }

  #prove(answer: Result<'auth.challenge'>): void {
    const hello = this.#hello;
    if (!hello) return;
    const auth = proofFor(this.#target, { answer, client: hello.params.client.id, nonce: this.#nonce });
    this.#incoming = null;
    this.transport.send(encodeMessage({ id: hello.id, method: 'hello', params: { ...hello.params, auth } }));
    this.#listener?.received(MAGIC); // what the client has waited for
  }

  /** Told to the client as the host's answer to its hello, which was never sent. */
  #refuse(error: CmdopError): void {
    this.#incoming = null;
    this.#listener?.received(MAGIC);
    this.#listener?.received(encodeMessage({ id: this.#hello?.id ?? 0, error: toWireError(error) }));
    this.transport.close();
  }
}
