/** Where `cmdop cp` copies from and to: a path here, a path on a session's machine, or the pipe that the command is in. Pure. */
import { parseAddress } from '#protocol/address.ts';
import { UsageError } from '../exit-codes.ts';

export type CopyPlace =
  | { is: 'here'; path: string }
  | { is: 'there' /** As an address says, or undefined. */; host: string | undefined; session: string; path: string }
  | { is: 'pipe' };

/** As scp reads it: what has a colon before its first slash is over there. Throws UsageError. */
export function parsePlace(text: string): CopyPlace {
  if (text === '') throw new UsageError('a path is empty: write FILE, or SESSION:FILE for one on the session’s machine');
  if (text === '-') return { is: 'pipe' };
  if (text.startsWith('cmdop://')) {
    const [, address = text, path = ''] = /^(cmdop:\/\/[^/]+\/[^/:]+):?(.*)$/s.exec(text) ?? [];
    const known = parseAddress(address);
    if (!known) throw new UsageError(`${text} is no address: write cmdop://HOST/SESSION:PATH`);
    return { is: 'there', ...known, path: path || '.' };
  }
  const [, session, path] = /^([^/:]+):(.*)$/s.exec(text) ?? [];
  // C:\… on Windows; a session of one letter is named by its id there.
  const isDrive = process.platform === 'win32' && session?.length === 1;
  if (session === undefined || isDrive) return { is: 'here', path: text };
  return { is: 'there', host: undefined, session, path: path || '.' };
}

/** The last name of a path; empty for `.`, `..`, `/` and `~`, which have none of their own. */
export function nameIn(path: string): string {
  const name = path.replace(/\/+$/, '').split('/').at(-1) ?? '';
  return ['.', '..', '~'].includes(name) ? '' : name;
}
