/**
 * Reads a command line as bash, zsh and fish all would, or says what in it cannot be read that way. Pure.
 *
 * Conservative: only plain and quoted words, `;`, `&&`, `||`, `|`, `&` and redirections are understood. Whatever a shell
 * could turn into something else (variables, substitutions, history, aliases being made, code in an argument) is named in
 * `opaque`, and no rule on commands may let such a line pass.
 */
import { DANGEROUS_WORDS, INLINE_CODE, INTERPRETERS, KEYWORDS, RUNNERS } from './shell-words.ts';
import { hasInvisible } from './shown-text.ts';

export type SimpleCommand = {
  /** Without quotes. */
  readonly words: readonly string[];
  /** Its input is the output of the one before. */
  readonly isPiped: boolean;
};

export type ShellLine = {
  readonly commands: readonly SimpleCommand[];
  /** Why the line cannot be understood, each a few words; empty where it can. */
  readonly opaque: readonly string[];
  /** What else a person should know. */
  readonly noted: readonly string[];
  /** Files it writes by redirection, as written; without /dev/null. */
  readonly writes: readonly string[];
  readonly reads: readonly string[];
  /** Words with an unquoted `*`, `?` or `[`. */
  readonly patterns: readonly string[];
};

/** Longer lines are not read: nobody approves them by reading either. */
const MAX_LINE_CHARACTERS = 16_384;

export function readShellLine(text: string): ShellLine {
  if (text.length > MAX_LINE_CHARACTERS) return nothing(`longer than ${MAX_LINE_CHARACTERS} characters`);
  return new Reader(text).read();
}

const nothing = (why: string): ShellLine => ({ commands: [], opaque: [why], noted: [], writes: [], reads: [], patterns: [] });

/** Unquoted characters that mean themselves everywhere in a word. */
const PLAIN = /[A-Za-z0-9_.,:@%+/=-]+/y;

/** Begins a word and nothing else: a number may begin a redirection. */
const BEGINS_WORD = /[A-Za-z_.,:@%+/=-]/y;

class Reader {
  readonly #text: string;
  #at = 0;
  readonly #opaque = new Set<string>();
  readonly #noted = new Set<string>();
  readonly #commands: SimpleCommand[] = [];
  readonly #writes: string[] = [];
  readonly #reads: string[] = [];
  readonly #patterns: string[] = [];
  #words: string[] = [];
  #isPiped = false;

  constructor(text: string) {
    this.#text = text;
  }

  read(): ShellLine {
    const text = this.#text;
    if (/[\n\r]/.test(text.trimEnd())) this.#opaque.add('several lines');
    const control = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/.exec(text);
    if (control) this.#opaque.add('control characters');
    if (text.includes('\t')) this.#opaque.add('Tab, which completes or is pasted');
    if (hasInvisible(text)) this.#opaque.add('characters that do not show or change the direction of text');
    if (text.startsWith('^')) this.#opaque.add('history expansion');
    while (this.#at < text.length) this.#token();
    this.#endCommand();
    for (const command of this.#commands) this.#look(command);
    if (this.#commands.length === 0) this.#opaque.add('no command');
    const isMoved = this.#commands.length > 1 && this.#commands.some(({ words }) => /^(cd|pushd|popd|z|j)$/.test(words[0] ?? ''));
    if (isMoved) this.#opaque.add('changes the folder before the rest runs');
    return {
      commands: this.#commands,
      opaque: [...this.#opaque],
      noted: [...this.#noted],
      writes: this.#writes,
      reads: this.#reads,
      patterns: this.#patterns,
    };
  }

  #token(): void {
    BEGINS_WORD.lastIndex = this.#at;
    if (BEGINS_WORD.test(this.#text)) {
      this.#words.push(this.#word());
      return;
    }
    const rest = this.#text.slice(this.#at, this.#at + 3);
    const [first = ''] = rest;
    if (/\s/.test(first)) {
      this.#at++;
      return;
    }
    const operator = /^(&&|\|\||\|&|&>>?|\||;|&)/.exec(rest)?.[0];
    if (operator?.startsWith('&>')) {
      this.#redirection(operator);
      return;
    }
    if (operator) {
      this.#at += operator.length;
      if (operator === ';' && this.#text[this.#at] === ';') this.#opaque.add('shell keywords');
      if (operator === '&') this.#noted.add('runs in the background');
      this.#endCommand();
      this.#isPiped = operator === '|' || operator === '|&';
      return;
    }
    const redirection = /^\d?(>>|>\||>&|<<|<&|<>|>|<)/.exec(rest)?.[0];
    if (redirection) this.#redirection(redirection);
    else this.#words.push(this.#word());
  }

  #redirection(operator: string): void {
    this.#at += operator.length;
    const kind = operator.replace(/^\d/, '');
    if (kind === '<<') {
      this.#opaque.add('here-document');
      return;
    }
    if (this.#text[this.#at] === '(') {
      this.#opaque.add('process substitution');
      return;
    }
    while (/[ \t]/.test(this.#text[this.#at] ?? '')) this.#at++;
    const target = this.#word();
    if (target === '') this.#opaque.add('redirection without a file');
    if (/^(>&|<&)$/.test(kind) && /^(\d|-)$/.test(target)) return;
    if (target === '/dev/null') return;
    if (kind === '<') this.#reads.push(target);
    else {
      this.#writes.push(target);
      this.#noted.add(`writes ${target}`);
    }
  }

  /** One word; never empty-handed: at least one character is taken. */
  #word(): string {
    const text = this.#text;
    const begin = this.#at;
    let word = '';
    let isPattern = false;
    while (this.#at < text.length) {
      PLAIN.lastIndex = this.#at;
      const plain = PLAIN.exec(text)?.[0];
      if (plain !== undefined) {
        word += plain;
        this.#at += plain.length;
        continue;
      }
      const character = text[this.#at] ?? '';
      if (/[\s;&|<>]/.test(character)) break;
      this.#at++;
      if (character === "'") word += this.#singleQuoted();
      else if (character === '"') word += this.#doubleQuoted();
      else if (/[*?[\]]/.test(character)) {
        isPattern = true;
        word += character;
      } else if (character === '~' && this.#at - 1 === begin && /^(\/|\s|$)/.test(text.slice(this.#at, this.#at + 1))) word += '~';
      else {
        this.#opaque.add(OPAQUE.get(character) ?? opaqueName(character));
        word += character;
      }
    }
    if (text[begin] === '=') this.#opaque.add('a word that begins with =');
    if (isPattern) this.#patterns.push(word);
    return word;
  }

  #singleQuoted(): string {
    const end = this.#text.indexOf("'", this.#at);
    if (end < 0) return this.#unclosed();
    const word = this.#text.slice(this.#at, end);
    // Where quotes meet backslashes, fish reads another word than bash and zsh.
    if (word.includes('\\')) this.#opaque.add('backslash');
    this.#at = end + 1;
    return word;
  }

  #doubleQuoted(): string {
    const end = this.#text.indexOf('"', this.#at);
    if (end < 0) return this.#unclosed();
    const word = this.#text.slice(this.#at, end);
    for (const character of word) {
      const why = '$`\\!'.includes(character) ? OPAQUE.get(character) : undefined;
      if (why !== undefined) this.#opaque.add(why);
    }
    this.#at = end + 1;
    return word;
  }

  #unclosed(): string {
    this.#opaque.add('a quote that is not closed');
    const word = this.#text.slice(this.#at);
    this.#at = this.#text.length;
    return word;
  }

  #endCommand(): void {
    if (this.#words.length > 0) this.#commands.push({ words: this.#words, isPiped: this.#isPiped });
    this.#words = [];
    this.#isPiped = false;
  }

  /** What the command's own words give away. */
  #look({ words, isPiped }: SimpleCommand): void {
    const [first = '', ...rest] = words;
    const program = programOf(first);
    if (/^[A-Za-z_][A-Za-z0-9_]*\+?=/.test(first)) this.#opaque.add('sets a variable');
    if (KEYWORDS.has(program)) this.#opaque.add('shell keywords');
    if (DANGEROUS_WORDS.has(program)) this.#opaque.add(`${program} changes what later lines mean, or runs what it is given`);
    if (this.#patterns.includes(first)) this.#opaque.add('a pattern for a program');
    if (RUNNERS.has(program)) this.#noted.add(`${program} runs another command`);
    if (program === 'find' && rest.some((word) => /^-(exec|execdir|ok|okdir|delete|fprint|fls)/.test(word)))
      this.#opaque.add('find runs, writes or deletes');
    for (const word of RUNNERS.has(program) ? words : [first]) {
      const interpreter = interpreterOf(word);
      if (!interpreter) continue;
      const isCode = rest.some((argument) => INLINE_CODE.test(argument));
      const isFed = isPiped && !rest.some((argument) => !argument.startsWith('-'));
      if (isCode || interpreter === 'awk') this.#opaque.add(`${interpreter} runs code from the line`);
      else if (isFed || rest.includes('-') || (this.#reads.length > 0 && interpreter !== 'awk'))
        this.#opaque.add(`${interpreter} runs what is fed into it`);
    }
  }
}

/** The program's name without its folder. */
export const programOf = (word: string): string => word.slice(word.lastIndexOf('/') + 1);

function interpreterOf(word: string): string | null {
  const name = programOf(word).replace(/[\d.]+$/, '');
  return INTERPRETERS.get(name) ?? null;
}

const OPAQUE = new Map([
  ['$', 'variables or substitution'],
  ['`', 'command substitution'],
  ['\\', 'backslash'],
  ['!', 'history expansion'],
  ['^', 'history expansion'],
  ['(', 'subshell or function'],
  [')', 'subshell or function'],
  ['{', 'braces'],
  ['}', 'braces'],
  ['#', 'a comment'],
  ['~', 'a folder named by ~'],
]);

const opaqueName = (character: string) =>
  (character.codePointAt(0) ?? 0) > 0x7f ? 'letters outside ASCII without quotes' : `the character ${character}`;
