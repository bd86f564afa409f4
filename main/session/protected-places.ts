/**
 * What no rule can give an agent: cmdop's own files and its command line. Pure, by the text alone; what a program of the
 * same user does with those files outside of cmdop, nothing here can prevent.
 */
import { isWithin, resolvePath } from './plain-paths.ts';
import { programOf, type ShellLine } from './shell-line.ts';
import { RUNNERS, SWEEPERS } from './shell-words.ts';

/** Absolute folders and files: state, sockets, policy. */
export type Protected = { readonly places: readonly string[] };

type Asked = { readonly text: string; readonly folder: string; readonly home: string; readonly protected: Protected };

/** Denied where the text plainly means it; asked where it may reach it. */
export function protectedBy(asked: Asked, line: ShellLine | null): { verdict: 'ask' | 'deny'; why: string } | null {
  // As a shell puts words together: without quotes and backslashes, so that c'm'dop is no disguise.
  const bare = asked.text.replace(/['"\\]/g, '').replaceAll(/\$\{?HOME\}?|~/g, asked.home);
  const { places } = asked.protected;
  if (places.some((place) => bare.includes(place))) return { verdict: 'deny', why: "cmdop's own files" };
  if (
    bare.includes('cmdop') &&
    /(^|[\s;&|(`/])cmdop(\.mjs)?\s+(-\S+\s+\S+\s+)*(approve|reject|answer|policy|resume|role|kick|control|approvals|host|web|mcp|restore)\b/.test(
      bare,
    )
  )
    return { verdict: 'deny', why: "cmdop's own command line" };
  if (!line) return null;
  const reached = placesOf(line, asked);
  for (const { words } of line.commands) {
    const program = programOf(words[0] ?? '');
    const names = RUNNERS.has(program) ? words : words.slice(0, 1);
    const isOwn =
      names.some((word) => /^(cmdop|cmdop\.mjs|cmdop\.sh)$/.test(programOf(word))) ||
      words.some((word) => /\/(cmdop|cli)\.mjs$/.test(word));
    if (isOwn) return { verdict: 'deny', why: "cmdop's own command line" };
    if (!SWEEPERS.has(program) && line.patterns.length === 0) continue;
    if (reached.some((place) => places.some((own) => isWithin(own, place)))) {
      return { verdict: 'ask', why: `${program} may reach cmdop's own files` };
    }
  }
  const touched = reached.some((place) => places.some((own) => isWithin(place, own)));
  return touched ? { verdict: 'deny', why: "cmdop's own files" } : null;
}

/** A name in the folder itself, without anything to resolve. */
const PLAIN_NAME = /^[A-Za-z0-9_]+$/;

/** Every path that the line's words may mean, absolute; of a pattern the folder above it. */
export function placesOf(line: ShellLine, { folder, home }: { folder: string; home: string }): string[] {
  const words = [...line.commands.flatMap(({ words }) => words.slice(1)), ...line.writes, ...line.reads];
  const here = resolvePath('.', { folder, home });
  return words.flatMap((word) => {
    if (PLAIN_NAME.test(word)) return [here === '/' ? `/${word}` : `${here}/${word}`];
    // `--file=PATH`, `-IPATH`, `user@host:PATH`
    const path = word.startsWith('-') ? (/[=/~].*$/.exec(word)?.[0].replace(/^=/, '') ?? '') : word;
    if (path === '' || /^https?:\/\//.test(path)) return [];
    const fixed = line.patterns.includes(word) ? path.replace(/[^/]*[*?[].*$/, '') || '.' : path;
    return [resolvePath(fixed, { folder, home })];
  });
}
