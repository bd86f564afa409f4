/**
 * The key with which a host that serves this page lets it in: given once, in the address of the page, and kept for this
 * scheme, address and port alone. The cookie beside it goes to every port of the address.
 */
const STORED_AS = 'cmdop.sign-in-key';

/** Keeps the key that the address holds, and takes it out of there; does nothing where it holds none. */
export function takeKeyFromAddress(): void {
  const key = /^#key=([\w-]+)$/.exec(location.hash)?.[1];
  if (key === undefined) return;
  localStorage.setItem(STORED_AS, key);
  history.replaceState(null, '', location.pathname + location.search);
}

/** Read each time that it is needed: a newer link may have been opened in another tab. */
export const signInKey = (): string | null => localStorage.getItem(STORED_AS);
