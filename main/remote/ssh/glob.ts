/**
 * Files that a pattern of `Include` means: `*`, `?`, `[a-z]`, `[!a]`, `[[:digit:]]` and a backslash, by bytes. As OpenSSH
 * finds them on every system, since it brings OpenBSD's glob(3) along. Node's own knows braces and `**` besides.
 */
import { readdirSync } from 'node:fs';
import { isAbsolute, parse } from 'node:path';
import { matchesSigns, type Sign } from './patterns.ts';

/** Members of a set: an escaped letter, a class, or any other; `]` stands for itself where it comes first. */
const MEMBERS = String.raw`(?:\\.|\[:\w*:\]|[^\\])(?:\\.|\[:\w*:\]|[^\]\\])*`;
const TOKEN = new RegExp(String.raw`\\(?<escaped>.)|(?<many>\*+)|(?<one>\?)|\[(?<not>!|(?!!))(?<set>${MEMBERS})\]|(?<plain>.)`, 'gs');
const MEMBER = /\[:(?<class>\w*):\]|(?<from>\\?.)(?:-(?<to>\\?.))?/gs;

/** Of ASCII. */
const CLASSES: Readonly<Record<string, RegExp>> = {
  alnum: /[A-Za-z0-9]/,
  alpha: /[A-Za-z]/,
  blank: /[ \t]/,
  cntrl: /[^ -~\x80-\xff]/,
  digit: /[0-9]/,
  graph: /[!-~]/,
  lower: /[a-z]/,
  print: /[ -~]/,
  punct: /[!-/:-@[-`{-~]/,
  space: /[ \t\n\v\f\r]/,
  upper: /[A-Z]/,
  xdigit: /[A-Fa-f0-9]/,
};

/** Absolute, in the order of their bytes; one without a sign of a pattern need not exist. A relative one starts at `from`. */
export function filesMatching(pattern: string, from: string): string[] {
  const root = isAbsolute(pattern) ? parse(pattern).root : from;
  const below = isAbsolute(pattern) ? pattern.slice(root.length) : pattern;
  const parts = below.split(process.platform === 'win32' ? /[/\\]/ : '/').filter(Boolean);
  const found = parts.reduce((folders, part) => folders.flatMap((folder) => inFolder(folder, part)), [root]);
  return found.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

function inFolder(folder: string, part: string): string[] {
  return namesLike(part, folder).map((name) => `${folder.replace(/[/\\]$/, '')}/${name}`);
}

function namesLike(part: string, folder: string): string[] {
  const { signs, literal } = read(bytesOf(part));
  if (literal !== null) return [Buffer.from(literal, 'latin1').toString()];
  // A dot in front is meant by a dot alone.
  const areHiddenMeant = /^\\?\./.test(part);
  return namesIn(folder).filter((name) => (areHiddenMeant || !name.startsWith('.')) && matchesSigns(bytesOf(name), signs));
}

/** `literal` is the name that is meant where there is but one. */
function read(part: string): { signs: Sign[]; literal: string | null } {
  const signs: Sign[] = [];
  let literal: string | null = '';
  for (const { groups = {} } of part.matchAll(TOKEN)) {
    const { escaped, many, one, not, set, plain } = groups;
    const letter = escaped ?? plain;
    if (many !== undefined) signs.push('any number');
    else if (one !== undefined) signs.push(() => true);
    else if (set !== undefined) signs.push(oneOf(set, not === '!'));
    else signs.push((other) => other === letter);
    literal = literal === null || letter === undefined ? null : literal + letter;
  }
  return { signs, literal };
}

function oneOf(members: string, isNegated: boolean): Sign {
  const tests = [...members.matchAll(MEMBER)].map(({ groups = {} }): ((letter: string) => boolean) => {
    const { class: name, from = '', to = from } = groups;
    if (name !== undefined) return (letter) => CLASSES[name]?.test(letter) ?? false;
    const [first, last] = [from, to].map((each) => each.slice(-1)) as [string, string];
    return (letter) => first <= letter && letter <= last;
  });
  return (letter) => tests.some((test) => test(letter)) !== isNegated;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // no such folder: there is nothing to include, as in OpenSSH
  }
}

/** Each byte a letter. */
const bytesOf = (text: string): string => Buffer.from(text).toString('latin1');
