/**
 * Commands for the login shell of a remote account, which may be any: sh, bash, zsh, fish, csh. All of them take a
 * single-quoted word as it is, as long as it holds no quote, `!`, backslash or line break; the rest is `sh`.
 */
import { CmdopError } from '#protocol/errors.ts';

/** What no login shell lets through a single-quoted word. */
const NOT_QUOTABLE = /['!\\\r\n\0]/;

/** Runs `script` by `sh` with `args` as `$1`, `$2`… Throws `bad-request` for an argument that cannot be quoted everywhere. */
export const loginCommand = (script: string, args: readonly string[] = []): string => `exec ${shellCommand(script, args)}`;

/** As `loginCommand`, behind a program that starts another: `docker exec -i C`, say. */
export function shellCommand(script: string, args: readonly string[] = []): string {
  return ['sh -c', ...[script, 'cmdop', ...args].map(quoted)].join(' ');
}

function quoted(word: string): string {
  if (NOT_QUOTABLE.test(word)) {
    throw new CmdopError(
      'bad-request',
      `${JSON.stringify(word)} cannot be given to every login shell: use a name without quotes, ! and \\`,
    );
  }
  return `'${word}'`;
}

/** Becomes the account's cmdop with the arguments, as installed by us or found on the path of its login shell. */
export const RUN_CMDOP = [
  'for c in "$HOME/.local/bin/cmdop" cmdop; do p=$(command -v "$c" 2>/dev/null) && [ -x "$p" ] && exec "$p" "$@"; done;',
  'p=$("$SHELL" -lc "command -v cmdop" 2>/dev/null </dev/null | tail -n 1); [ -x "$p" ] && exec "$p" "$@";',
  'echo cmdop-not-installed >&2; exit 127',
].join(' ');
