/**
 * Whether an actor may do something: allowed, to be asked, or denied, and by which rule. Pure, no I/O: on the way of every
 * unit of an agent. The first rule that fits decides; what no rule can change comes before them.
 */

import { isWithin } from './plain-paths.ts';
import { type Protected, placesOf, protectedBy } from './protected-places.ts';
import { programOf, readShellLine, type ShellLine, type SimpleCommand } from './shell-line.ts';
import { INTERPRETERS, RUNNERS } from './shell-words.ts';

export type Verdict = 'allow' | 'ask' | 'deny';
export type SubjectKind = 'command' | 'keys' | 'action';

/** As written in the policy file; checked. */
export type PolicyRule = {
  readonly do: Verdict;
  /** `agent:NAME` or `human:NAME`; `*` stands for any part of the name. Every agent when absent. */
  readonly actor?: string | undefined;
  readonly kind?: readonly SubjectKind[] | undefined;
  /** Name or id; `*` as above. */
  readonly session?: string | undefined;
  /** This folder and what is below it; absolute, or from `~`. */
  readonly folder?: string | undefined;
  /**
   * Words of one command, `*` at the end for any more: `git log *`. With kind `keys`, the program that reads them; with
   * `action`: `join`, `create`…; without a kind, a command.
   */
  readonly command?: string | undefined;
};

export type Policy = {
  readonly rules: readonly PolicyRule[];
  readonly default: { readonly agents: Verdict; readonly people: Verdict };
  /** How long an approval waits, milliseconds. */
  readonly approvalMs: number;
};

export const DEFAULT_POLICY: Policy = { rules: [], default: { agents: 'ask', people: 'allow' }, approvalMs: 5 * 60_000 };

export type Subject = {
  readonly actor: { readonly name: string; readonly isAgent: boolean };
  readonly session: { readonly id: string; readonly name: string };
  readonly folder: string;
  readonly kind: SubjectKind;
  /** A line without its Enter; words of an action; what is typed into a program. */
  readonly text: string;
  /** What reads `keys`, as a command line; null where it is not known. */
  readonly program: string | null;
  /** Of the person, absolute. */
  readonly home: string;
  readonly protected: Protected;
};

export type Decision = {
  readonly verdict: Verdict;
  /** The rule as text, or what decided in the absence of one. */
  readonly rule: string;
  readonly seen: readonly string[];
  /** Of kind `command`. */
  readonly line: ShellLine | null;
};

/** A policy ready to be asked: patterns are read once. */
export class PolicyRules {
  readonly policy: Policy;
  readonly #rules: readonly ReadRule[];
  readonly #people: boolean;

  constructor(policy: Policy, home: string) {
    this.policy = policy;
    this.#rules = policy.rules.map((rule) => readRule(rule, home));
    this.#people = policy.default.people !== 'allow' || policy.rules.some(({ actor }) => actor?.startsWith('human:'));
  }

  /** People are not judged at all. */
  get leavesPeopleAlone(): boolean {
    return !this.#people;
  }

  decide(subject: Subject): Decision {
    if (!subject.actor.isAgent) return this.#byRules(subject, null, []);
    const line = subject.kind === 'command' ? readShellLine(subject.text) : null;
    const seen = line ? [...line.opaque, ...line.noted] : [];
    const guarded = subject.kind === 'action' ? null : protectedBy(subject, line);
    if (guarded) return { verdict: guarded.verdict, rule: `built in: ${guarded.why}`, seen: [...seen, guarded.why], line };
    return this.#byRules(subject, line, seen);
  }

  #byRules(subject: Subject, line: ShellLine | null, seen: readonly string[]): Decision {
    const otherwise = subject.actor.isAgent ? this.policy.default.agents : this.policy.default.people;
    const parts: readonly (SimpleCommand | null)[] = line && line.commands.length > 0 ? line.commands : [null];
    let worst: { verdict: Verdict; rule: string } | null = null;
    for (const part of parts) {
      const decided = decidePart(this.#rules, { subject, line, part }) ?? {
        verdict: hardened(otherwise, this.#rules, { subject, line, part }),
        rule: defaultName(subject),
      };
      if (!worst || SEVERITY[decided.verdict] > SEVERITY[worst.verdict]) worst = decided;
    }
    return { verdict: worst?.verdict ?? otherwise, rule: worst?.rule ?? defaultName(subject), seen, line };
  }
}

/** The rule that would allow just this, as it would be written in the policy file; null where no rule should. */
export function offeredRule(subject: Subject, line: ShellLine | null, commands?: string): PolicyRule | null {
  const actor = `agent:${subject.actor.name}`;
  // Of files: those of one folder, since whoever reads one there reads the next.
  const file = subject.kind === 'action' ? /^(read|write) \//.exec(subject.text) : null;
  if (file) return { do: 'allow', actor, session: subject.session.name, kind: ['action'], folder: subject.folder, command: `${file[1]} *` };
  if (subject.kind === 'action')
    return { do: 'allow', actor, session: subject.session.name, kind: ['action'], command: subject.text.split(' ')[0] };
  if (!line || !isExact(line) || line.commands.length !== 1) return null;
  const words = line.commands[0]?.words ?? [];
  const program = programOf(words[0] ?? '');
  if (RUNNERS.has(program) || INTERPRETERS.has(program.replace(/[\d.]+$/, ''))) return null;
  if (words.some((word) => word === '*')) return null;
  return { do: 'allow', actor, kind: ['command'], folder: subject.folder, command: commands ?? words.map(quoted).join(' ') };
}

/** The rule that would have covered all of these lines of one actor in one folder: their common beginning. */
export function coveringRule(subjects: readonly Subject[]): PolicyRule | null {
  const [first] = subjects;
  if (!first) return null;
  const lines = subjects.map((subject) => readShellLine(subject.text));
  const isAlike = subjects.every(
    ({ actor, folder, kind }) => actor.name === first.actor.name && folder === first.folder && kind === 'command',
  );
  if (!isAlike || !subjects.every((subject, at) => offeredRule(subject, lines[at] ?? null))) return null;
  const words = lines.map((line) => line.commands[0]?.words ?? []);
  const common = (words[0] ?? []).filter(
    (word, at) => words.every((other) => other.slice(0, at + 1).join('\0') === words[0]?.slice(0, at + 1).join('\0')) && word !== '',
  );
  // The program alone says too little; nothing but options after it, as well.
  if (common.length < 2 || common[1]?.startsWith('-')) return null;
  const isWhole = words.every((each) => each.length === common.length);
  return offeredRule(first, lines[0] ?? null, common.map(quoted).join(' ') + (isWhole ? '' : ' *'));
}

/** Understood, and each word stands for itself alone. */
export const isExact = (line: ShellLine): boolean =>
  line.opaque.length === 0 && line.writes.length === 0 && line.reads.length === 0 && line.patterns.length === 0;

/** Why a rule cannot be, or null. */
export function faultIn(rule: PolicyRule): string | null {
  if (rule.actor !== undefined && !/^(agent|human):./.test(rule.actor)) return `the actor "${rule.actor}" must begin with agent: or human:`;
  if (rule.folder !== undefined && !/^[~/]/.test(rule.folder)) return `the folder "${rule.folder}" must begin with / or ~`;
  if (rule.command === undefined) return null;
  if (rule.actor?.startsWith('human:')) return 'command is for agents: what people type is not held until their Enter';
  if (!patternWords(rule.command)) return `the command "${rule.command}" must be plain words, with * only as the last one`;
  return null;
}

/** `isOpen`: any more words may follow. */
type CommandPattern = { words: readonly string[]; isOpen: boolean };

type ReadRule = {
  rule: PolicyRule;
  text: string;
  /** Words of its command. */
  words: CommandPattern | null;
  folder: string | null;
  actor: RegExp;
  isForAgents: boolean;
  session: RegExp | null;
};

function readRule(rule: PolicyRule, home: string): ReadRule {
  const [, kind = 'agent', name = '*'] = /^(agent|human):(.*)$/.exec(rule.actor ?? 'agent:*') ?? [];
  return {
    rule,
    text: ruleText(rule),
    words: rule.command === undefined ? null : readPattern(patternWords(rule.command) ?? ['\0']),
    folder: rule.folder === undefined ? null : rule.folder.replace(/^~(?=\/|$)/, home),
    actor: globbed(name),
    isForAgents: kind === 'agent',
    session: rule.session === undefined ? null : globbed(rule.session),
  };
}

/** One line, as the policy file has it. */
export const ruleText = (rule: PolicyRule): string =>
  JSON.stringify(Object.fromEntries(Object.entries(rule).filter(([, value]) => value !== undefined)));

function fitsWho({ rule, actor, isForAgents, session, folder }: ReadRule, subject: Subject): boolean {
  if (isForAgents !== subject.actor.isAgent || !actor.test(subject.actor.name)) return false;
  // A command alone is about command lines: what a program may be called with says nothing of the keys it may get.
  const kinds = rule.kind ?? (rule.command === undefined ? null : ['command']);
  if (kinds && !kinds.includes(subject.kind)) return false;
  if (session && !session.test(subject.session.name) && !session.test(subject.session.id)) return false;
  return folder === null || isWithin(subject.folder, folder);
}

type Part = { subject: Subject; line: ShellLine | null; part: SimpleCommand | null };

function decidePart(rules: readonly ReadRule[], { subject, line, part }: Part): { verdict: Verdict; rule: string } | null {
  const words = part?.words ?? wordsOf(subject);
  for (const read of rules) {
    const { rule, words: pattern, text } = read;
    // Most rules are about other commands: that is seen at once.
    if (pattern && !(words && matches(pattern, words))) continue;
    if (!fitsWho(read, subject)) continue;
    if (rule.do === 'allow' && !mayAllow(read, { subject, line, part })) continue;
    return { verdict: rule.do, rule: text };
  }
  return null;
}

/** What a rule's command is compared with where there is no line: the action's words, or the program that reads the keys. */
function wordsOf({ kind, text, program }: Subject): readonly string[] | null {
  if (kind === 'action') return text.split(' ');
  const line = kind === 'keys' && program !== null ? readShellLine(program) : null;
  return line && line.commands.length === 1 && isExact(line) ? (line.commands[0]?.words ?? null) : null;
}

/** An allowing rule covers only what it can be sure of. */
function mayAllow({ words: pattern, folder }: ReadRule, { subject, line }: Part): boolean {
  if (!line) return true;
  if (line.opaque.length > 0) return false;
  if (pattern && !isExact(line)) return false;
  if (pattern || folder === null) return true;
  // Trust in a folder ends at its border.
  return (
    !line.commands.some(({ words }) => RUNNERS.has(programOf(words[0] ?? ''))) &&
    placesOf(line, subject).every((place) => isWithin(place, folder))
  );
}

/** Even where agents are allowed by default, a line that cannot be read may be what a rule forbids. */
function hardened(otherwise: Verdict, rules: readonly ReadRule[], { subject, line }: Part): Verdict {
  if (otherwise !== 'allow' || !line || line.opaque.length === 0) return otherwise;
  return rules.some((read) => read.words && read.rule.do !== 'allow' && fitsWho(read, subject)) ? 'ask' : otherwise;
}

function readPattern(words: readonly string[]): CommandPattern {
  const isOpen = words.at(-1) === '*';
  return { words: isOpen ? words.slice(0, -1) : words, isOpen };
}

function matches({ words: fixed, isOpen }: CommandPattern, words: readonly string[]): boolean {
  if (isOpen ? words.length < fixed.length : words.length !== fixed.length) return false;
  for (let at = 0; at < fixed.length; at++) if (fixed[at] !== words[at]) return false;
  return true;
}

function patternWords(command: string): string[] | null {
  const isOpen = /(^|\s)\*$/.test(command);
  const fixed = isOpen ? command.slice(0, -1) : command;
  if (fixed.trim() === '') return isOpen ? ['*'] : null;
  const line = readShellLine(fixed);
  // Words that give later lines another meaning may be named here; signs that hide words may not.
  const isPlain =
    line.commands.length === 1 &&
    line.patterns.length === 0 &&
    line.writes.length === 0 &&
    line.reads.length === 0 &&
    !/[$`\\!(){}#\n]/.test(fixed);
  return isPlain ? [...(line.commands[0]?.words ?? []), ...(isOpen ? ['*'] : [])] : null;
}

const defaultName = (subject: Subject) => (subject.actor.isAgent ? 'the default for agents' : 'the default for people');
const SEVERITY: Readonly<Record<Verdict, number>> = { allow: 0, ask: 1, deny: 2 };
const globbed = (pattern: string) => new RegExp(`^${pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`, 'isu');
const quoted = (word: string) => (/^[A-Za-z0-9_.,:@%+/=-]+$/.test(word) ? word : `'${word}'`);
