/**
 * A terminal into which typing is foretold shows in the end what it shows without: compared cell by cell, with all hidden
 * state, for random programs, output that is cut anywhere and keys at any moment.
 */
import { expect, test } from 'vitest';
import { AttachView } from '../../main/attach/attach-view.ts';
import { QueryFilter } from '../../main/attach/query-filter.ts';
import type { Prediction } from '../../main/attach/typed-echo.ts';
import type { Verdict } from '../../main/client/input-outbox.ts';
import { TerminalFeed } from '../../main/client/terminal-feed.ts';
import { compareTerminals } from './compare-terminals.ts';
import { RandomStream, randomFrom } from './random-streams.ts';
import { newTerminal, type TestTerminal } from './terminals.ts';

const SIZE = { cols: 24, rows: 6 };
const CASES = Number(process.env.CMDOP_CASES ?? 400);
const STEPS = 60;
const KEYS = [...'abcdefghij  é\u0434', '\x7f', '\x7f', '\x1b[D', '\x1b[C'];
const JOINING = ['\u0301', '\u200d', '\u{1f3fd}', '\u{1f1ea}', '\x1b[3b', '\u009b2b'];
/** Only in what draws a whole window. */
const REDRAWN = '\x1b[?1047h\x1b[H\x1b[J\x1b7';
const encoder = new TextEncoder();

type Typed = { key: string; settle: (verdict: Verdict) => void };

class World {
  readonly stream: RandomStream;
  readonly #random: () => number;
  readonly window: TestTerminal = newTerminal(SIZE);
  readonly plain: TestTerminal = newTerminal(SIZE);
  /** Knows when the terminals are between two characters. */
  readonly #filter = new QueryFilter();
  readonly #view: AttachView;
  readonly #plainView: AttachView;
  #typed: Typed[] = [];
  #now = 0;
  /** The window was drawn anew, for something joins what was printed before it was drawn into. */
  #isRedrawn = false;
  drawn = 0;

  constructor(seed: number) {
    this.#random = randomFrom(seed);
    this.stream = new RandomStream(this.#random, SIZE);
    const prediction: Prediction = {
      choice: () => 'always',
      latencyMs: () => null,
      clock: { now: () => this.#now, wallNow: () => 0, after: () => () => {} },
    };
    const viewIn = ({ terminal, write }: TestTerminal, options: { prediction: Prediction | null }) => {
      const written = (bytes: Uint8Array, parsed?: () => void) => {
        write(bytes);
        parsed?.();
      };
      // In whole characters: one without width that is cut makes a cell of its own in xterm.js.
      const feed = new TerminalFeed({ ...SIZE, write: written, resize: () => {}, reset: () => terminal.reset() });
      const print = (bytes: Uint8Array | string) => {
        if (terminal === this.window.terminal && typeof bytes === 'string' && bytes.includes(REDRAWN)) this.#isRedrawn = true;
        feed.output(typeof bytes === 'string' ? encoder.encode(bytes) : bytes, () => {});
      };
      return new AttachView({ window: SIZE, write: print, sizeReason: () => '', ...options });
    };
    this.#view = viewIn(this.window, { prediction });
    this.#plainView = viewIn(this.plain, { prediction: null });
    for (const view of this.#views) view.snapshot(new Uint8Array(0), SIZE);
  }

  get #views(): AttachView[] {
    return [this.#view, this.#plainView];
  }

  async step(): Promise<void> {
    this.#now += this.stream.number(0, 40);
    const kind = this.stream.number(0, 19);
    if (kind < 9) this.#type(this.stream.pick(KEYS));
    else if (kind < 17) await this.#echo();
    else if (kind === 17) this.#print(this.stream.pick(JOINING));
    else this.#print(kind === 18 ? this.stream.valid(1) : '\r\n$ ');
  }

  /** Nothing of what was typed comes: what was foretold of it is taken back. */
  async refuseAll(): Promise<void> {
    for (const { settle } of this.#typed.splice(0)) settle({ seq: null, verdict: 'refused', reason: 'dropped', message: '' });
    await Promise.resolve();
  }

  get isWhole(): boolean {
    return this.#filter.isWhole;
  }

  dispose(): void {
    for (const view of this.#views) view.dispose();
    for (const { terminal } of [this.window, this.plain]) terminal.dispose();
  }

  #type(key: string): void {
    const { promise, resolve } = Promise.withResolvers<Verdict>();
    const before = underlines(this.window);
    this.#view.typed(encoder.encode(key), promise);
    this.#typed.push({ key, settle: resolve });
    if (underlines(this.window) > before) this.drawn++;
  }

  /** As a line editor does at the end of its line. */
  async #echo(): Promise<void> {
    const [typed] = this.#typed.splice(0, 1);
    if (!typed) return;
    typed.settle({ seq: null, verdict: 'applied' });
    await Promise.resolve();
    const { key } = typed;
    this.#print(key === '\x7f' ? '\b \b' : key === '\x1b[D' ? '\b' : key);
  }

  #print(output: string | Uint8Array): void {
    const bytes = typeof output === 'string' ? encoder.encode(output) : output;
    const cut = this.#random() < 0.2 ? this.stream.number(0, bytes.length) : bytes.length;
    for (const part of [bytes.slice(0, cut), bytes.slice(cut)]) {
      this.#filter.push(part);
      this.#isRedrawn = false;
      for (const view of this.#views) view.output(part);
      // What a picture of the session's screen changes is not the matter here.
      if (this.#isRedrawn) this.#plainView.redraw();
    }
  }
}

function underlines({ terminal }: TestTerminal): number {
  const { active } = terminal.buffer;
  const line = active.getLine(active.baseY + active.cursorY);
  return Array.from({ length: SIZE.cols }, (_, col) => line?.getCell(col)?.isUnderline()).filter(Boolean).length;
}

test(`${CASES} random programs look the same with and without prediction`, { timeout: 60_000 + CASES * 100 }, async () => {
  let drawn = 0;
  for (let seed = 1; seed <= CASES; seed++) {
    const world = new World(seed);
    for (let step = 0; step < STEPS; step++) {
      await world.step();
      if (step % 6 !== 5) continue;
      await world.refuseAll();
      if (!world.isWhole) continue;
      // What the next character may join to is known again with the next output.
      const differences = compareTerminals(world.window.terminal, world.plain.terminal).filter((each) => !each.startsWith('joinable'));
      expect(differences, `seed ${seed}, step ${step}`).toEqual([]);
    }
    drawn += world.drawn;
    world.dispose();
  }
  expect(drawn).toBeGreaterThan(CASES);
});
