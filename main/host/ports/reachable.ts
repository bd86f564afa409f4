/** Where a port that a session listens on is reached on its own machine, so that no other program answers. Pure. */
import type { ListeningSocket } from '#local/listening.ts';

type Bound = Pick<ListeningSocket, 'id' | 'address'>;

/**
 * Addresses, the best first. `own`: the session's sockets on the port; `all`: everybody's on it, as far as they are known.
 * Empty where others listen more precisely than the session does, or on its very address too.
 */
export function reachableAt(own: readonly Bound[], all: readonly Bound[]): string[] {
  const ids = new Set(own.map(({ id }) => id));
  const addresses = new Set(own.flatMap(({ address }) => addressesOf(address)));
  return [...addresses].filter((address) => answering(address, all).every(({ id }) => ids.has(id)));
}

/** `::` takes IPv4 too unless it was told not to, which the system does not tell. */
function addressesOf(address: string): string[] {
  if (address === '0.0.0.0') return ['127.0.0.1'];
  return address === '::' ? ['::1', '127.0.0.1'] : [address];
}

/** The system gives a connection to whoever listens most precisely, to any of several that are equal. */
function answering(address: string, sockets: readonly Bound[]): readonly Bound[] {
  const wider = address.includes(':') ? ['::'] : ['0.0.0.0', '::'];
  for (const each of [address, ...wider]) {
    const found = sockets.filter((socket) => socket.address === each);
    if (found.length > 0) return found;
  }
  return [];
}
