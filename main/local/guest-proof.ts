/** What a guest shows at a host's door: a signature over the host's challenge, given only to the host that invited. */
import { verify } from 'node:crypto';
import { hostText, proofText } from '#protocol/authentication.ts';
import { CmdopError } from '#protocol/errors.ts';
import type { ClientId } from '#protocol/ids.ts';
import type { Result } from '#protocol/messages.ts';
import type { Proof } from '#protocol/sharing.ts';
import type { Identity } from './identity.ts';
import { ed25519KeyObject, parsePublicKey } from './ssh-keys.ts';

export type GuestTarget = {
  identity: Identity;
  /** Fingerprint of the host that is meant: whoever else answers gets no proof. */
  host: string;
  /** How the host is called here, for sentences. */
  name: string;
  /** Which session, where the key is invited to several. */
  session?: string;
  /** Brings the key in. */
  code?: string;
};

/** `nonce`: ours, that the host was asked with. Throws `host-key` where the answer is another host's. */
export function proofFor(
  { identity, host, name, session, code }: GuestTarget,
  { answer, client, nonce }: { answer: Result<'auth.challenge'>; client: ClientId; nonce: string },
): Proof {
  const hostKey = parsePublicKey(answer.host);
  const challenge = { host, client, clientNonce: nonce, hostNonce: answer.nonce };
  const isIt =
    hostKey.fingerprint === host && verify(null, hostText(challenge), ed25519KeyObject(hostKey), Buffer.from(answer.signature, 'base64'));
  if (!isIt) {
    const said = `it has the key ${hostKey.fingerprint}, and ${host} is the one that invited you`;
    throw new CmdopError('host-key', `who answers for ${name} is not the host that you joined: ${said}; ask its owner for another code`);
  }
  return {
    key: identity.publicKey.text,
    signature: identity.sign(proofText(challenge)),
    ...(session === undefined ? {} : { session }),
    ...(code === undefined ? {} : { code }),
  };
}
