/**
 * What is signed when a guest and a host prove their keys to each other. Both texts name the protocol, the host, the
 * client and both nonces, so that no signature counts at another host, for another client, or a second time.
 */
import type { ClientId } from './ids.ts';

export type Challenge = {
  /** Fingerprint of the host's key. */
  readonly host: string;
  readonly client: ClientId;
  readonly hostNonce: string;
  readonly clientNonce: string;
};

/** Signed by the host. */
export const hostText = (challenge: Challenge): Uint8Array => text('cmdop host authentication v1', challenge);
/** Signed by the guest. */
export const proofText = (challenge: Challenge): Uint8Array => text('cmdop guest authentication v1', challenge);

/** None of the parts can hold a line break: they are base64, and a client's id of a fixed alphabet or quoted. */
function text(what: string, { host, client, hostNonce, clientNonce }: Challenge): Uint8Array {
  return new TextEncoder().encode([what, host, JSON.stringify(client), hostNonce, clientNonce].join('\n'));
}
