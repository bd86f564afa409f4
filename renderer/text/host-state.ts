/** What a host is called and how it stands, in words. Pure. */
import type { ClientState } from '#client/client-options.ts';
import { LOCAL_HOST } from '#protocol/address.ts';
import type { CmdopError } from '#protocol/errors.ts';

export const hostTitle = (name: string): string => (name === LOCAL_HOST ? 'This machine' : name);

export type LinkIs = 'connected' | 'unresponsive' | 'connecting' | 'offline' | 'held' | 'closed';

export function linkIs(link: ClientState): LinkIs {
  if (link.is === 'connected') return link.isResponsive ? 'connected' : 'unresponsive';
  return link.is === 'offline' && link.isHeld ? 'held' : link.is;
}

/** In a word or two; the error of a link that is down is told apart. */
export const LINK_TEXTS: Readonly<Record<LinkIs, string>> = {
  connected: 'Connected',
  unresponsive: 'No answer',
  connecting: 'Connecting',
  offline: 'Offline',
  held: 'Not connected',
  closed: 'Closed',
};

/** The host speaks only protocols that this window does not know any more: a newer cmdop must be brought there. */
export function isHostTooOld({ code, data }: CmdopError): boolean {
  const { host, client } = data ?? {};
  return code === 'protocol-mismatch' && versionIn(host, 'max') < versionIn(client, 'min');
}

function versionIn(range: unknown, end: 'min' | 'max'): number {
  const version = typeof range === 'object' && range !== null ? Reflect.get(range, end) : undefined;
  return typeof version === 'number' ? version : Number.NaN;
}

/** What may be typed as a host: a name or `user@name:port`, in one word that no program takes for an option. */
export const isHostName = (text: string): boolean => /^[^\s\p{Cc}-][^\s\p{Cc}]{0,254}$/u.test(text) && !text.includes('://');
