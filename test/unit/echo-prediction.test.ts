/** Echo prediction: shown only where the program proved to echo, never for what it keeps to itself, gone when wrong. */
import { describe, expect, test } from 'vitest';
import { EchoPrediction, type EchoScreen } from '#client/echo-prediction.ts';

const COLS = 80;
const ROWS = 24;
/** Longest that a wrong prediction may stay after its unit reached the program, milliseconds. */
const WRONG_MS = 200;

/** What a person sees and a program does, with a network of `oneWayMs` between them; time passes only by `wait`. */
class Link {
  readonly prediction = new EchoPrediction();
  readonly #oneWayMs: number;
  readonly #program: Program;
  #now = 0;
  #events: { at: number; run: () => void }[] = [];
  #rows: string[][] = [];
  #cursor = { row: 0, col: 0 };

  constructor(program: Program, oneWayMs: number) {
    this.#program = program;
    this.#oneWayMs = oneWayMs;
    this.#print(program.start());
  }

  get screen(): EchoScreen {
    return { cols: COLS, cursor: this.#cursor, cell: (row, col) => this.#rows[row]?.[col] ?? ' ' };
  }

  /** The row of the cursor as a person sees it, with what is foretold. */
  get shown(): string {
    const overlay = this.prediction.overlay(this.screen);
    const row = overlay?.row ?? this.#cursor.row;
    return Array.from({ length: COLS }, (_, col) => overlay?.cells.get(col) ?? this.screen.cell(row, col))
      .join('')
      .trimEnd();
  }

  /** The program's question for a secret stands on the parsed screen, where the cursor is. */
  get isAsked(): boolean {
    return (this.#rows[this.#cursor.row] ?? []).join('').startsWith(SECRET_PROMPT);
  }

  get foretold(): string {
    return [...(this.prediction.overlay(this.screen)?.cells.values() ?? [])].join('');
  }

  /** Everything on the parsed screen, without what is foretold. */
  get parsed(): string {
    return this.#rows
      .map((row) =>
        Array.from(row, (each) => each ?? ' ')
          .join('')
          .trimEnd(),
      )
      .join('\n')
      .trimEnd();
  }

  key(text: string): void {
    const id = this.prediction.typed(text, this.screen, this.#now);
    this.#later(this.#oneWayMs, () => {
      const answer = this.#program.typed(text);
      this.#later(this.#oneWayMs, () => this.prediction.settled(id, true, this.screen, this.#now));
      this.#later(this.#oneWayMs + 1, () => this.#print(answer));
    });
  }

  type(text: string, everyMs = 100): void {
    for (const key of text) {
      this.key(key);
      this.wait(everyMs);
    }
  }

  wait(ms: number): void {
    const until = this.#now + ms;
    for (;;) {
      const again = this.prediction.lookAgainAt;
      const next = this.#events.reduce<{ at: number; run: () => void } | null>((a, b) => (a && a.at <= b.at ? a : b), null);
      const at = Math.min(next?.at ?? Number.POSITIVE_INFINITY, again ?? Number.POSITIVE_INFINITY);
      if (at > until) break;
      this.#now = Math.max(this.#now, at);
      if (next && next.at <= at) {
        this.#events.splice(this.#events.indexOf(next), 1);
        next.run();
      }
      this.prediction.look(this.screen, this.#now);
    }
    this.#now = until;
  }

  #later(ms: number, run: () => void): void {
    this.#events.push({ at: this.#now + ms, run });
  }

  /** `\n`, `\r`, `\b` and printable characters; `\f` clears the screen. */
  #print(text: string): void {
    for (const char of text) {
      if (char === '\n') {
        if (this.#cursor.row === ROWS - 1) this.#rows.shift();
        this.#cursor = { row: Math.min(ROWS - 1, this.#cursor.row + 1), col: 0 };
      } else if (char === '\r') this.#cursor = { ...this.#cursor, col: 0 };
      else if (char === '\b') this.#cursor = { ...this.#cursor, col: Math.max(0, this.#cursor.col - 1) };
      else if (char === '\f') {
        this.#rows = [];
        this.#cursor = { row: 0, col: 0 };
      } else {
        const { row, col } = this.#cursor;
        this.#rows[row] ??= [];
        const cells = this.#rows[row] ?? [];
        cells[col] = char;
        this.#cursor = { row, col: Math.min(COLS - 1, col + 1) };
      }
    }
    this.prediction.look(this.screen, this.#now);
  }
}

/** Without a word that gives it away. */
const SECRET_PROMPT = 'say it ';

type Program = { start(): string; typed(key: string): string };

/** A line editor as shells have one, in insert mode. */
function shell(): Program & { line: string } {
  let at = 0;
  const self = {
    line: '',
    start: () => '$ ',
    typed: (key: string) => {
      const { line } = self;
      const redraw = (from: number, text: string) => `${text} ${'\b'.repeat(text.length + 1 - (at - from))}`;
      if (key === '\r') {
        self.line = '';
        at = 0;
        return `\n${line.startsWith('clear') ? '\f' : `ran ${line}\n`}$ `;
      }
      if (key === '\x7f') {
        if (at === 0) return '';
        self.line = line.slice(0, at - 1) + line.slice(at);
        at--;
        return `\b${redraw(at, self.line.slice(at))}`;
      }
      if (key === '\x1b[D') {
        if (at === 0) return '';
        at--;
        return '\b';
      }
      if (key === '\x1b[C') {
        if (at === line.length) return '';
        at++;
        return line[at - 1] ?? '';
      }
      if (key.length > 1 || key < ' ') return '';
      self.line = line.slice(0, at) + key + line.slice(at);
      at++;
      const rest = self.line.slice(at);
      return key + rest + '\b'.repeat(rest.length);
    },
  };
  return self;
}

/** Asks for a name, which it echoes, and then without Enter between them or with it for a password, which it does not. */
function login({ isByEnter }: { isByEnter: boolean }): Program & { isSecret: boolean } {
  const self = {
    isSecret: false,
    start: () => 'continue? ',
    typed: (key: string) => {
      if (self.isSecret) return key === '\r' ? '\n$ ' : '';
      if (isByEnter && key !== '\r') return key;
      self.isSecret = true;
      return `${isByEnter ? '' : key}\n${isByEnter ? 'key' : 'unlock'} `;
    },
  };
  return self;
}

/** As vim: keys are commands until `i`, then text until Escape. */
function editor(): Program {
  let isInserting = false;
  return {
    start: () => '\f',
    typed: (key) => {
      if (key === '\x1b') isInserting = false;
      else if (isInserting) return key;
      else if (key === 'i') isInserting = true;
      else if (key === 'h') return '\b';
      return '';
    },
  };
}

describe('in a shell', () => {
  test('the first character of a line waits for its echo, the others are there at once', () => {
    const link = new Link(shell(), 75);
    link.key('l');
    expect(link.shown).toBe('$');
    link.wait(160);
    expect(link.shown).toBe('$ l');
    link.key('s');
    expect(link.shown).toBe('$ ls');
    link.wait(200);
    expect(link.foretold).toBe('');
    expect(link.shown).toBe('$ ls');
  });

  test('typing that never pauses catches up within the line', () => {
    const link = new Link(shell(), 150);
    link.type('echo one two three', 90);
    expect(link.shown).toBe('$ echo one two three');
  });

  test('backspace and the arrows are foretold, within what was typed', () => {
    const link = new Link(shell(), 75);
    link.type('abd');
    link.wait(300);
    link.key('\x1b[D');
    link.key('c');
    expect(link.shown).toBe('$ abcd');
    expect(link.prediction.overlay(link.screen)?.cursorCol).toBe(5);
    link.key('\x7f');
    link.key('\x7f');
    expect(link.shown).toBe('$ ad');
    link.wait(400);
    expect(link.shown).toBe('$ ad');
    expect(link.foretold).toBe('');
  });

  test('a key that does something else takes nothing for granted after it', () => {
    const link = new Link(shell(), 75);
    link.type('ls');
    link.wait(300);
    link.key('\t');
    link.key('x');
    expect(link.foretold).toBe('');
  });
});

describe('what is not echoed', () => {
  test.each([{ isByEnter: true }, { isByEnter: false }])('is never shown, once its prompt is there: %j', ({ isByEnter }) => {
    const program = login({ isByEnter });
    const link = new Link(program, 150);
    link.type(isByEnter ? 'ann' : 'y');
    link.wait(500);
    if (isByEnter) link.key('\r');
    link.wait(500);
    expect(program.isSecret).toBe(true);
    for (const key of 'hunter2') {
      link.key(key);
      expect(link.foretold).toBe('');
      link.wait(60);
      expect(link.foretold).toBe('');
    }
  });

  test('typed ahead of its prompt behind Enter, it is not shown either', () => {
    const link = new Link(login({ isByEnter: true }), 150);
    link.type('ann');
    link.wait(500);
    link.key('\r');
    for (const key of 'hunter2') {
      link.key(key);
      expect(link.foretold.replaceAll(/[an]/g, '')).toBe('');
      link.wait(30);
    }
  });

  test('is not shown at a prompt that asks for a password and echoes', () => {
    const link = new Link({ start: () => 'Password: ', typed: (key) => key }, 100);
    link.type('hunter2', 250);
    expect(link.foretold).toBe('');
    link.key('x');
    expect(link.foretold).toBe('');
  });

  test('in an editor, commands are not shown, and text is', () => {
    const link = new Link(editor(), 100);
    link.type('hhx', 50);
    expect(link.foretold).toBe('');
    link.wait(500);
    link.type('itext', 120);
    link.wait(300);
    link.key('s');
    expect(link.shown).toBe('texts');
    link.wait(500);
    link.key('\x1b');
    link.type('hh', 50);
    expect(link.foretold).toBe('');
  });
});

describe('with any program and any keys', () => {
  test('what was wrong is gone soon, and in the end nothing is foretold', () => {
    for (let seed = 1; seed <= 1000; seed++) {
      const random = randomOf(seed);
      const oneWayMs = Math.floor(random() * 200);
      const program = randomProgram(random);
      const link = new Link(program, oneWayMs);
      for (let at = 0; at < 60; at++) {
        link.key(randomKey(random));
        if (link.isAsked) expect(link.foretold, `seed ${seed}`).toBe('');
        link.wait(random() < 0.2 ? oneWayMs * 2 + WRONG_MS : random() * 120);
        if (link.isAsked) expect(link.foretold, `seed ${seed}`).toBe('');
      }
      link.wait(oneWayMs * 2 + WRONG_MS);
      expect(link.foretold, `seed ${seed}`).toBe('');
    }
  });

  test('most of what is typed into a shell is there at once', () => {
    const random = randomOf(7);
    const link = new Link(shell(), 150);
    let atOnce = 0;
    let all = 0;
    for (let line = 0; line < 20; line++) {
      for (let at = 0; at < 25; at++) {
        const before = link.shown.length;
        const key = random() < 0.1 ? '\x7f' : randomLetter(random);
        link.key(key);
        if (key !== '\x7f') {
          all++;
          if (link.shown.length > before) atOnce++;
        }
        link.wait(60 + random() * 200);
      }
      link.key('\r');
      link.wait(700);
    }
    expect(atOnce / all).toBeGreaterThan(0.75);
  });
});

const randomLetter = (random: () => number): string => String.fromCharCode(97 + Math.floor(random() * 26));

function randomKey(random: () => number): string {
  const at = random();
  if (at < 0.75) return random() < 0.15 ? ' ' : randomLetter(random);
  return ['\x7f', '\x1b[D', '\x1b[C', '\r', '\t', '\x1b', 'é'][Math.floor(random() * 7)] ?? '\r';
}

/** Changes its manners at Enter: an echoing line editor, silence, an echo of another character, output of its own. */
function randomProgram(random: () => number): Program {
  let inner: Program = shell();
  return {
    start: () => inner.start(),
    typed: (key: string) => {
      if (key !== '\r') return inner.typed(key);
      const at = random();
      const news = (each: string) => (random() < 0.3 ? `\nnews\n> ${each}` : each.length === 1 ? each : '');
      if (at < 0.3) inner = { start: () => SECRET_PROMPT, typed: () => '' };
      else if (at < 0.5) inner = { start: () => '* ', typed: () => '*' };
      else if (at < 0.7) inner = { start: () => '> ', typed: news };
      else if (at < 0.8) inner = editor();
      else inner = shell();
      return `\n${inner.start()}`;
    },
  };
}

/** mulberry32 */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
