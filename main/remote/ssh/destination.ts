/** What a person types to name an SSH host: `devbox`, `ann@name:22`, `[::1]:22`, `ssh://ann@name:22`. Pure. */
import { CmdopError } from '#protocol/errors.ts';

export type Spec = { readonly host: string; readonly user: string | null; readonly port: number | null };

/**
 * Throws `bad-request`. Names with the shell's signs are refused, as OpenSSH refuses them: an address may come from a
 * link, and %h and %r end up in commands of the configuration.
 */
export function parseDestination(text: string): Spec {
  const rest = text.replace(/^ssh:\/\//i, '').replace(/\/$/, '');
  const at = rest.lastIndexOf('@');
  const user = at < 0 ? null : rest.slice(0, at);
  const place = rest.slice(at + 1);
  const bracketed = /^\[([^\]]+)\](?::(\d+))?$/.exec(place);
  // More than one colon without brackets is an IPv6 address by itself.
  const plain = bracketed ? null : place.split(':').length > 2 ? [place, place] : /^([^:]*)(?::(\d+))?$/.exec(place);
  const host = bracketed?.[1] ?? plain?.[1] ?? '';
  const portText = bracketed?.[2] ?? plain?.[2];
  const port = portText === undefined ? null : Number(portText);
  if (!isHostName(host) || (user !== null && !isUserName(user)) || (port !== null && (port < 1 || port > 65_535))) {
    throw new CmdopError('bad-request', `${JSON.stringify(text)} is no SSH host: write NAME, USER@NAME or USER@NAME:PORT`);
  }
  return { host, user, port };
}

function isHostName(host: string): boolean {
  return host.length > 0 && host.length <= 1_025 && !host.startsWith('-') && !/[\s\x00-\x1f\x7f'`"$\\;&<>|(){}]/.test(host);
}

function isUserName(user: string): boolean {
  return (
    user.length > 0 && user.length <= 256 && !user.startsWith('-') && !/[\x00-\x1f\x7f'`";&<>|(){}]/.test(user) && !user.endsWith('\\')
  );
}
