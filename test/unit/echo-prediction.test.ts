/** Echo prediction: shown only where the program proved to echo, never for what it keeps to itself, gone when wrong. */
import { describe, expect, test } from 'vitest';
import { EchoPrediction, type EchoScreen } from '#client/echo-prediction.ts';
import { editor, login, type Program, randomOf, randomProgram, SECRET_PROMPT, shell } from './echoing-programs.ts';

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
