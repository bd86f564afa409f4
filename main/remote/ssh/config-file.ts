/** Files of ssh_config as sections of directives, with what they include. Who is meant by a section is not decided here. */
import { readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import SSHConfig from 'ssh-config';
import { CmdopError } from '#protocol/errors.ts';
import { filesMatching } from './glob.ts';
import { expandHome, expandVariables } from './tokens.ts';
import { splitWords } from './words.ts';

/** As OpenSSH: deeper is a file that includes itself. */
const MAX_DEPTH = 16;
/** Largest file that is read, bytes: a configuration is written by a person. */
const MAX_BYTES = 4 * 1024 * 1024;

export type Directive = {
  /** In lower case: names have none. */
  readonly name: string;
  /** All behind the name, as written: a command keeps its quotes. */
  readonly text: string;
  readonly words: readonly string[];
  /** `FILE:LINE`, for what is said about it. */
  readonly where: string;
};

export type Section = {
  /** `Host` or `Match`; null for what stands before the first. */
  readonly condition: Directive | null;
  readonly entries: readonly Entry[];
};

export type Entry = { readonly directive: Directive } | { readonly included: readonly Section[] };

export type ConfigFileOptions = {
  /** What a relative `Include` starts from: `~/.ssh` for a user's file, `/etc/ssh` for the system's. */
  readonly includesFrom: string;
  /** Refuses a file that others may write to: it decides who is reached and what is run. */
  readonly mustBePrivate?: boolean;
};

type Parsed = { directive: Directive; below: Directive[] | null };

/** No sections where there is no file. Throws `bad-configuration` with the place of what cannot be read. */
export function readConfigFile(file: string, options: ConfigFileOptions, depth = 0): Section[] {
  const text = textOf(file, options.mustBePrivate ?? false);
  if (text === null) return [];
  if (depth > MAX_DEPTH) throw new CmdopError('bad-configuration', `${file} is included too deep: does it include itself?`);
  const sections: Section[] = [];
  let loose: Directive[] = [];
  const include = (directive: Directive) => includedBy(directive, options, depth);
  const close = () => {
    if (loose.length > 0) sections.push({ condition: null, entries: loose.map((each) => entryOf(each, include)) });
    loose = [];
  };
  for (const { directive, below } of parse(text, file)) {
    if (!below) {
      loose.push(directive);
      continue;
    }
    close();
    sections.push({ condition: directive, entries: below.map((each) => entryOf(each, include)) });
  }
  close();
  return sections;
}

/** What a token stands for is known only when it is known who is meant: such an `Include` stays, to be named. */
function entryOf(directive: Directive, include: (directive: Directive) => Section[]): Entry {
  return directive.name === 'include' && !directive.text.includes('%') ? { included: include(directive) } : { directive };
}

/**
 * `bad-configuration` tells directives, comments and sections apart. The words of a line are split here, as OpenSSH does it:
 * the package drops quotes and `=` from commands, and criteria that come twice from `Match`.
 */
function parse(text: string, file: string): Parsed[] {
  const lines = text.split(/\r\n|\r|\n/);
  refuseMistakes(lines, file);
  let line = 1;
  const pass = (blank: string | undefined) => {
    line += (blank ?? '').replace(/\r\n/g, '\n').split(/[\r\n]/).length - 1;
  };
  const parsed: Parsed[] = [];
  const read = (nodes: readonly SSHConfigLine[], into: Directive[] | null) => {
    for (const node of nodes) {
      pass(node.before);
      if (node.type === SSHConfig.DIRECTIVE && 'param' in node && node.param) {
        const directive = directiveAt(node.param, lines[line - 1] ?? '', `${file}:${line}`);
        const below: Directive[] | null = 'config' in node ? [] : null;
        if (into) into.push(directive);
        else parsed.push({ directive, below });
        pass(node.separator);
        pass(node.after);
        if ('config' in node && below) read(node.config, below);
      } else {
        pass(node.after);
      }
    }
  };
  read(nodesOf(text, file), null);
  return parsed;
}

type SSHConfigLine = SSHConfig[number];

function nodesOf(text: string, file: string): SSHConfig {
  try {
    return SSHConfig.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CmdopError('bad-configuration', `${file} cannot be read (${why}): correct it; \`ssh -G NAME\` says where it is wrong`);
  }
}

/** Before the package reads it: it takes the next line for a value that is missing, and does not say where a quote is open. */
function refuseMistakes(lines: readonly string[], file: string): void {
  for (const [index, line] of lines.entries()) {
    const param = /^\s*([^\s=#][^\s=]*)/.exec(line)?.[1];
    if (param) directiveAt(param, line, `${file}:${index + 1}`);
  }
}

function directiveAt(param: string, line: string, where: string): Directive {
  const text = line
    .trim()
    .slice(param.length)
    .replace(/^[ \t]*=?[ \t]*/, '');
  const words = splitWords(text);
  if (!words) throw new CmdopError('bad-configuration', `${where}: a quote is not closed`);
  if (words.length === 0) throw new CmdopError('bad-configuration', `${where}: ${param} has no value`);
  return { name: param.toLowerCase(), text, words, where };
}

function includedBy(directive: Directive, options: ConfigFileOptions, depth: number): Section[] {
  return directive.words.flatMap((word) => {
    const path = expandVariables(word, process.env, directive.where);
    const below = /^~[/\\]+(.*)$/s.exec(path)?.[1];
    // Signs of a pattern in the home's own name are none.
    const files =
      below === undefined ? filesMatching(expandHome(path, directive.where), options.includesFrom) : filesMatching(below, homedir());
    return files.flatMap((file) => readConfigFile(file, options, depth + 1));
  });
}

function textOf(file: string, mustBePrivate: boolean): string | null {
  try {
    const found = statSync(file);
    if (!found.isFile()) return null;
    if (found.size > MAX_BYTES) throw new CmdopError('bad-configuration', `${file} has ${found.size} bytes: is it a configuration?`);
    const own = process.getuid?.();
    const isOthers = own !== undefined && ((found.uid !== own && found.uid !== 0) || (found.mode & 0o022) !== 0);
    if (mustBePrivate && isOthers) throw new CmdopError('bad-configuration', `others may change ${file}: run \`chmod 600 ${file}\``);
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof CmdopError) throw error;
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return null;
    throw new CmdopError('bad-configuration', `${file} cannot be read (${error instanceof Error ? error.message : String(error)})`);
  }
}
