/** What a session is called within this window: its host with its id, since two names may lead to the same machine. Pure. */
import { formatAddress, LOCAL_HOST, parseAddress } from '#protocol/address.ts';
import type { SessionId } from '#protocol/ids.ts';

declare const brand: unique symbol;
export type SessionKey = string & { readonly [brand]: 'SessionKey' };

export const sessionKey = (host: string, id: SessionId): SessionKey => formatAddress({ host, session: id }) as SessionKey;

/** A key as it was kept; before there were remote hosts, a session of this machine was kept by its id alone. */
export function keyFrom(kept: string): SessionKey {
  return parseAddress(kept) ? (kept as SessionKey) : sessionKey(LOCAL_HOST, kept as SessionId);
}

export const hostOfKey = (key: string): string => parseAddress(key)?.host ?? LOCAL_HOST;

export const idOfKey = (key: SessionKey): SessionId => (parseAddress(key)?.session ?? key) as SessionId;
