/** Which directives of ssh_config hold for a destination: `Host`, `Match`, and that the first value wins. */
import { spawn } from 'node:child_process';
import { account } from '#local/account.ts';
import { CmdopError } from '#protocol/errors.ts';
import type { Directive, Section } from './config-file.ts';
import { matchesList } from './patterns.ts';
import { expandTokens, type Tokens, tokensOf } from './tokens.ts';

/** Longest that a `Match exec` may run, milliseconds: the attempt to connect waits for it. */
const EXEC_MS = 10_000;
/** Every line of these counts, not only the first. */
const COLLECTED: ReadonlySet<string> = new Set(['identityfile', 'certificatefile', 'include']);
/** Criteria that cannot be judged here; a section that needs one does not hold. */
const UNKNOWN_CRITERIA: ReadonlySet<string> = new Set(['localnetwork', 'sessiontype', 'version', 'command']);

export type Typed = { readonly host: string; readonly user: string | null; readonly port: number | null };

/** What holds, by name in lower case; more than one only of what is collected. */
export type Settings = ReadonlyMap<string, readonly Directive[]>;

type Evaluation = {
  readonly typed: Typed;
  /** What `Host` is compared with: the typed name, and in the last pass the real one. */
  name: string;
  readonly settings: Map<string, Directive[]>;
  isFinalPass: boolean;
  wantsFinalPass: boolean;
  readonly notice: (text: string) => void;
};

export async function settingsFor(sections: readonly Section[], typed: Typed, notice: (text: string) => void): Promise<Settings> {
  const told = new Set<string>();
  const once = (text: string) => {
    if (!told.has(text)) notice(text);
    told.add(text);
  };
  const evaluation: Evaluation = { typed, name: typed.host, settings: new Map(), isFinalPass: false, wantsFinalPass: false, notice: once };
  await apply(sections, evaluation);
  if (evaluation.wantsFinalPass) {
    evaluation.isFinalPass = true;
    evaluation.name = hostNameIn(evaluation);
    await apply(sections, evaluation);
  }
  return evaluation.settings;
}

/** `HostName` with its own two tokens, else what was typed. */
export function hostNameOf(settings: Settings, typedHost: string): string {
  const directive = settings.get('hostname')?.[0];
  const value = directive?.words[0];
  return directive && value ? expandTokens(value, { '%': '%', h: typedHost }, directive.where) : typedHost;
}

async function apply(sections: readonly Section[], evaluation: Evaluation): Promise<void> {
  for (const { condition, entries } of sections) {
    if (condition && !(await holds(condition, evaluation))) continue;
    for (const entry of entries) {
      if ('included' in entry) await apply(entry.included, evaluation);
      else set(entry.directive, evaluation.settings);
    }
  }
}

function set(directive: Directive, settings: Map<string, Directive[]>): void {
  const there = settings.get(directive.name);
  if (!there) settings.set(directive.name, [directive]);
  else if (COLLECTED.has(directive.name) && !there.some(({ text }) => text === directive.text)) there.push(directive);
}

async function holds(condition: Directive, evaluation: Evaluation): Promise<boolean> {
  if (condition.name === 'host') return matchesList(evaluation.name.toLowerCase(), condition.words.map(lower));
  const words = [...condition.words];
  let isHolding = true;
  while (words.length > 0) {
    const word = words.shift() ?? '';
    const isNegated = word.startsWith('!');
    const [criterion = '', given] = splitOnce(isNegated ? word.slice(1) : word);
    const name = criterion.toLowerCase();
    const isAlone = name === 'all' || name === 'final' || name === 'canonical';
    const value = isAlone ? '' : (given ?? words.shift());
    if (value === undefined) throw new CmdopError('bad-configuration', `${condition.where}: Match ${criterion} has no value`);
    // A command runs only where all before it holds, as in OpenSSH.
    if (!isHolding && name === 'exec') continue;
    const isMatch = await judge({ name, value, condition, evaluation });
    if (isMatch === null || isMatch === isNegated) isHolding = false;
  }
  return isHolding;
}

type Criterion = { name: string; value: string; condition: Directive; evaluation: Evaluation };

/** Null where it cannot be judged. */
async function judge({ name, value, condition, evaluation }: Criterion): Promise<boolean | null> {
  const { typed, settings } = evaluation;
  const list = value.split(',');
  switch (name) {
    case 'all':
      return true;
    case 'canonical':
      // Names are never made canonical here, which is said where it is asked for.
      return false;
    case 'final':
      evaluation.wantsFinalPass = true;
      return evaluation.isFinalPass;
    case 'host':
      return matchesList(hostNameIn(evaluation).toLowerCase(), list.map(lower));
    case 'originalhost':
      return matchesList(typed.host.toLowerCase(), list.map(lower));
    case 'user':
      return matchesList(userIn(evaluation), list);
    case 'localuser':
      return matchesList(account().name, list);
    case 'tagged':
      return matchesList(settings.get('tag')?.[0]?.words[0] ?? '', list);
    case 'exec':
      return succeeds(expandTokens(value, tokensIn(evaluation), condition.where), condition.where);
    default:
      if (!UNKNOWN_CRITERIA.has(name)) throw new CmdopError('bad-configuration', `${condition.where}: there is no Match ${name}`);
      evaluation.notice(`${condition.where}: cmdop cannot judge \`Match ${name}\`; that section is left out`);
      return null;
  }
}

function hostNameIn({ settings, typed }: Evaluation): string {
  return hostNameOf(settings, typed.host);
}

function userIn({ typed, settings }: Evaluation): string {
  return typed.user ?? settings.get('user')?.[0]?.words[0] ?? account().name;
}

function tokensIn(evaluation: Evaluation): Tokens {
  const { typed, settings } = evaluation;
  const port = typed.port ?? Number(settings.get('port')?.[0]?.words[0] ?? 22);
  return tokensOf({ typed: typed.host, hostName: hostNameIn(evaluation), port, user: userIn(evaluation) });
}

/** As OpenSSH: in the user's shell, silent, and 0 is yes. */
function succeeds(command: string, where: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const isWindows = process.platform === 'win32';
    const [shell, flag] = isWindows ? [process.env.ComSpec ?? 'cmd.exe', '/c'] : [process.env.SHELL || '/bin/sh', '-c'];
    const child = spawn(shell, [flag, command], { stdio: 'ignore', windowsHide: true });
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new CmdopError('bad-configuration', `${where}: \`${command}\` did not end within ${EXEC_MS / 1000} s`));
    }, EXEC_MS);
    child.once('error', () => {
      clearTimeout(timer);
      resolve(false);
    });
    child.once('exit', (code) => {
      clearTimeout(timer);
      resolve(code === 0);
    });
  });
}

function splitOnce(word: string): [string, string | undefined] {
  const at = word.indexOf('=');
  return at < 0 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)];
}

function lower(text: string): string {
  return text.toLowerCase();
}
