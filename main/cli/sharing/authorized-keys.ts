/** Public keys as `authorized_keys` lists them, with the names in their comments. Pure. */
import { type PublicKey, parsePublicKey } from '#local/ssh-keys.ts';
import { UsageError } from '../exit-codes.ts';

export type AuthorizedKey = { readonly key: PublicKey; readonly name: string };

/** Options that forbid what a guest has not anyway. */
const HARMLESS = /^(?:restrict|pty|no-(?:agent-forwarding|port-forwarding|X11-forwarding|user-rc|touch-required))$/i;
const KEY = /(?:^|\s)((?:ssh|ecdsa|sk)-[\w@.-]+\s+[A-Za-z0-9+/]+={0,2})(?:\s+(.*))?$/;

/** Throws UsageError with the line where a key cannot be used as it is meant there. */
export function authorizedKeys(text: string): AuthorizedKey[] {
  const found = text.split(/\r?\n/).flatMap((line, index) => {
    if (line.trim() === '' || line.trimStart().startsWith('#')) return [];
    const match = KEY.exec(line.trim());
    const at = `line ${index + 1}`;
    if (!match) throw new UsageError(`${at} has no public key: ${JSON.stringify(line.trim().slice(0, 40))}`);
    const options = line.trim().slice(0, match.index);
    const unmet = optionsIn(options).find((option) => !HARMLESS.test(option));
    if (unmet !== undefined) throw new UsageError(`${at} has the option ${unmet}, which cmdop does not keep: remove it, or the line`);
    const name = nameInComment(match[2] ?? '');
    if (name === null) throw new UsageError(`${at} does not say whose key it is: put a name behind it`);
    return [{ key: parsePublicKey(match[1] ?? ''), name }];
  });
  if (found.length === 0) throw new UsageError('there is no key in it');
  return found;
}

/** `ben` of `ben@laptop`; null where there is nothing. */
export function nameInComment(comment: string): string | null {
  const name = comment.trim().split('@')[0]?.trim() ?? '';
  return name === '' ? null : name.slice(0, 64);
}

/** Separated by commas that are in no quotes. */
function optionsIn(text: string): string[] {
  return [...text.matchAll(/(?:"(?:\\.|[^"\\])*"|[^,"])+/g)].map(([option]) => option.trim()).filter((option) => option !== '');
}
