/** The names by which things are called on the wire, branded so that one cannot be passed for another. */

declare const brand: unique symbol;
type Branded<T, Name extends string> = T & { readonly [brand]: Name };

/** A session, for ever: 10 characters of `ID_ALPHABET`. */
export type SessionId = Branded<string, 'SessionId'>;
/** Who acts, as the host knows them; the same across reconnects and restarts. */
export type ActorId = Branded<string, 'ActorId'>;
/** One running client process or window. Input units are numbered per client and session. */
export type ClientId = Branded<string, 'ClientId'>;
/** An attachment within one connection, chosen by the host. */
export type Channel = Branded<number, 'Channel'>;
/** Position in a session's output, bytes since its start; exact up to 2^53. */
export type Offset = Branded<number, 'Offset'>;
/** Number of an input unit: 1, 2, 3… per client and session. */
export type Seq = Branded<number, 'Seq'>;
/** Grows at every change of control, and fences input typed before it. */
export type Epoch = Branded<number, 'Epoch'>;

/** No vowels, so that no id spells a word; no look-alikes. */
export const ID_ALPHABET = '23456789bcdfghjkmnpqrstvwxz';

/** `length` characters drawn evenly from `ID_ALPHABET`; `randomBytes(n)` gives n random bytes. */
export function newId(length: number, randomBytes: (n: number) => Uint8Array): string {
  // 243 = 9 × 27: bytes above are dropped, so that no character is likelier than another.
  const limit = 256 - (256 % ID_ALPHABET.length);
  let id = '';
  while (id.length < length) {
    for (const byte of randomBytes(length * 2)) {
      if (byte < limit && id.length < length) id += ID_ALPHABET[byte % ID_ALPHABET.length];
    }
  }
  return id;
}

export const newSessionId = (randomBytes: (n: number) => Uint8Array) => newId(10, randomBytes) as SessionId;
export const newActorId = (randomBytes: (n: number) => Uint8Array) => newId(10, randomBytes) as ActorId;
export const newClientId = (randomBytes: (n: number) => Uint8Array) => newId(16, randomBytes) as ClientId;
