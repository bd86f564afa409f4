/**
 * What an installation runs on the other machine, by its `sh` and before there is anything of ours. Within the limits of
 * login-shell.ts: one line, no single quote, `!` or backslash. Answers are lines that begin with `cmdop-`, since a login
 * script may print too.
 */

/** Looks, and changes nothing. `$1`: the name of the folder. */
export const LOOK = [
  'd="$HOME/.local/share/cmdop";',
  'echo "cmdop-look os=$(uname -s)"; echo "cmdop-look machine=$(uname -m)"; echo "cmdop-look folder=$d";',
  'for f in /lib/ld-linux* /lib64/ld-linux* /lib/*/ld-linux*; do [ -e "$f" ] && echo "cmdop-look libc=glibc" && break; done;',
  'for t in tar gzip sha256sum shasum openssl; do command -v $t >/dev/null 2>&1 && echo "cmdop-look tool=$t"; done;',
  'p="$d"; until [ -e "$p" ]; do p=$(dirname "$p"); done;',
  'if [ -d "$p" ] && [ -w "$p" ]; then echo "cmdop-look writable=yes"; else echo "cmdop-look obstacle=$p"; fi;',
  'set -- "$1" $(df -Pk "$p" 2>/dev/null | tail -n 1); echo "cmdop-look free=$5";',
  '[ -x "$d/$1/bin/cmdop" ] && echo "cmdop-look installed=yes";',
  'echo "cmdop-look current=$(readlink "$d/current" 2>/dev/null)"; echo "cmdop-look end="',
].join(' ');

/** Makes the folder that the archive is sent to. */
export const PREPARE = [
  'd="$HOME/.local/share/cmdop"; umask 077;',
  'mkdir -p "$d/upload" && [ -w "$d/upload" ] && echo "cmdop-look upload=$d/upload"',
].join(' ');

/**
 * Takes the archive (`$1`, of `$2` bytes) from its input, in blocks of `$3`: behind what is there already, less the blocks
 * that an upload over SFTP may have written out of order.
 */
export const RECEIVE = [
  'f="$1"; umask 077; [ -f "$f" ] || : >"$f" || exit 1;',
  's=$(($(wc -c <"$f"))); if [ "$s" -gt "$2" ]; then s=0; fi; b=$((s / $3 - 32)); if [ "$b" -lt 0 ]; then b=0; fi;',
  'dd if=/dev/null of="$f" bs="$3" seek="$b" count=0 2>/dev/null || exit 1;',
  'echo "cmdop-look from=$((b * $3))"; echo "cmdop-look ready="; exec cat >>"$f"',
].join(' ');

/** Takes back what was sent, and the folder where nothing else is in it. */
export const FORGET = 'd="$HOME/.local/share/cmdop"; rm -rf "$d/upload"; rmdir "$d" 2>/dev/null';

/**
 * Checks the hash (`$2`), unpacks beside the other versions, tries it, and lets it take its place (`$1`). Whichever of these
 * fails, nothing of it stays: a resumed upload is for what broke off, and this one is whole.
 */
export const FINISH = [
  'd="$HOME/.local/share/cmdop"; f="$d/upload/$1.tar.gz"; n="$d/upload/$1"; umask 077;',
  'failed() { rm -rf "$n" "$f"; rmdir "$d/upload" "$d" 2>/dev/null; echo "cmdop-look failed=$1"; exit 1; };',
  'h=$( (sha256sum "$f" || shasum -a 256 "$f" || openssl dgst -sha256 -r "$f") 2>/dev/null | cut -c 1-64);',
  '[ "$h" = "$2" ] || failed hash;',
  'rm -rf "$n"; mkdir "$n" && gzip -dc "$f" | tar -xf - -C "$n" || failed unpack;',
  '"$n/bin/cmdop" --version >/dev/null || failed run;',
  '"$n/bin/cmdop" __installed "$n" "$d" || failed place',
].join(' ');

/** A version that is there (`$1`) takes its place again. */
export const FINISH_AGAIN = 'd="$HOME/.local/share/cmdop"; exec "$d/$1/bin/cmdop" __installed "$d/$1" "$d"';

/** The `cmdop-look NAME=VALUE` lines in what a script printed, the last of each name; `tool` gathers all. */
export function answersIn(printed: string): { readonly values: ReadonlyMap<string, string>; readonly tools: ReadonlySet<string> } {
  const found = [...printed.matchAll(/^cmdop-look (\w+)=(.*?)\r?$/gm)].map(([, name = '', value = '']) => [name, shown(value)] as const);
  return { values: new Map(found), tools: new Set(found.filter(([name]) => name === 'tool').map(([, value]) => value)) };
}

/** What the new version remarks, one sentence each. */
export const remarksIn = (printed: string): readonly string[] =>
  [...printed.matchAll(/^cmdop-remark (.*?)\r?$/gm)].map(([, remark = '']) => shown(remark));

/** It comes from a machine that nobody vouches for, and goes to a terminal. */
const shown = (text: string): string => text.replace(/\p{Cc}/gu, '');
