/** A session's address, `cmdop://HOST/SESSION`, the same on every interface. */

export const LOCAL_HOST = 'local';

export type Address = { readonly host: string; readonly session: string };

/** `cmdop://local/build` for `{ host: 'local', session: 'build' }`; `user@name:port` reads as people write it. */
export function formatAddress({ host, session }: Address): string {
  const shown = encodeURIComponent(host).replaceAll('%40', '@').replaceAll('%3A', ':');
  return `cmdop://${shown}/${encodeURIComponent(session)}`;
}

/** The address in `text`, or null if `text` does not start with `cmdop://` or names no session. */
export function parseAddress(text: string): Address | null {
  const match = /^cmdop:\/\/([^/]+)\/([^/]+)\/?$/.exec(text);
  if (!match?.[1] || !match[2]) return null;
  try {
    return { host: decodeURIComponent(match[1]), session: decodeURIComponent(match[2]) };
  } catch {
    return null; // a broken %-escape
  }
}
