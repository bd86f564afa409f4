/**
 * What typing will look like before the host's echo is here, for slow links. Pure: told what was typed, settled and
 * parsed, it says what to draw over the terminal; nothing of it is ever written into one.
 *
 * After mosh's prediction engine (Winstein and Balakrishnan, USENIX ATC 2012): keys belong to an epoch, and those of an
 * epoch are shown only once one of them was echoed as predicted. Enter, a paste, a control key, a cursor that moved by
 * itself and every mistake begin a new one. So what a program does not echo, a password above all, is never shown.
 */

/** How long after a unit reached the program its echo may take, milliseconds; then it is not echoed. */
const ECHO_MS = 150;
/** How long after a key the screen is not taken for its result, milliseconds: a command's takes longer than an echo. */
const RESULT_MS = { plain: 15, other: 50 };
/** A prompt that asks for what should not be seen, whatever the program then echoes. */
const ASKS_SECRET = /(pass(word|phrase|code)?|secret|\bpin\b|token|otp|verification code)[^:?>]*[:?>]/i;
/** Characters one cell wide that every terminal shows as themselves. */
const PLAIN = /^[\x20-\x7e\u00a1-\u00ac\u00ae-\u02ff\u0370-\u0373\u0376\u0377\u037b-\u037f\u0386-\u03ff\u0400-\u0482\u048a-\u052f]$/;

/** The terminal as parsed so far; rows and columns from 0. */
export type EchoScreen = {
  readonly cols: number;
  readonly cursor: { readonly row: number; readonly col: number };
  /** The character of a cell: a space where there is none, empty in the second half of a wide one. */
  cell(row: number, col: number): string;
};

/** What to draw: cells by column, and where the cursor will be, all in one row. */
export type EchoOverlay = { readonly row: number; readonly cells: ReadonlyMap<number, string>; readonly cursorCol: number };

type Key = { is: 'char'; char: string } | { is: 'left' } | { is: 'right' } | { is: 'backspace' } | { is: 'other' };

type PredictedUnit = {
  readonly id: number;
  readonly epoch: number;
  readonly row: number;
  /** What stood left of everything typed: another text there is another line, on the same row after a scroll. */
  readonly prompt: string;
  /** What it changes, by column. */
  readonly cells: ReadonlyMap<number, string>;
  /** The cell of the character that was typed, and what the terminal showed there then. */
  readonly typed: { readonly col: number; readonly char: string; readonly before: string } | null;
  readonly cursorCol: number;
  /** When it reached the program. */
  settledAt: number | null;
};

export class EchoPrediction {
  #lastId = 0;
  #epoch = 1;
  #confirmedEpoch = 0;
  #units: PredictedUnit[] = [];
  /** Units that were not predicted; `plain` ones will be a character each, if they are echoed at all. */
  readonly #blind = new Map<number, { kind: 'plain' | 'other'; settledAt: number | null }>();
  /** Where the cursor is when all units before the predicted ones are echoed, of which `lead` are still to come; null in a new epoch. */
  #base: { row: number; col: number; lead: number } | null = null;
  /** Columns that typing of this epoch has reached: what is left of it is the prompt's. */
  #reach: { from: number; to: number } | null = null;

  /** A unit is on its way; its number is what `settled` takes. */
  typed(text: string, screen: EchoScreen, now: number): number {
    const id = ++this.#lastId;
    this.#forgetBlind(now);
    const key = keyOf(text);
    const unit = key.is === 'other' ? null : this.#predict(id, key, screen);
    if (unit) this.#units.push(unit);
    else {
      this.#newEpoch();
      this.#blind.set(id, { kind: key.is === 'char' ? 'plain' : 'other', settledAt: null });
    }
    return id;
  }

  /** The unit has its verdict. */
  settled(id: number, isApplied: boolean, screen: EchoScreen, now: number): void {
    if (!isApplied) {
      this.reset();
      return;
    }
    const blind = this.#blind.get(id);
    if (blind) blind.settledAt = now;
    const unit = this.#units.find((each) => each.id === id);
    if (unit) unit.settledAt = now;
    this.look(screen, now);
  }

  /** Output was parsed, or time passed: compares what is there with what was foretold. */
  look(screen: EchoScreen, now: number): void {
    const first = this.#units[0];
    if (!first) return;
    const { row, col } = screen.cursor;
    if (row !== first.row || promptIn(screen, row, first.prompt.length) !== first.prompt) return this.#wasWrong();
    const confirmed = this.#confirmable(screen);
    if (confirmed >= 0) {
      for (const { typed, epoch } of this.#units.slice(0, confirmed + 1)) {
        // A character that was taken back before its echo proves nothing.
        if (typed && typed.char !== typed.before && screen.cell(row, typed.col) === typed.char && typed.char !== ' ')
          this.#confirmedEpoch = epoch;
      }
      this.#units = this.#units.slice(confirmed + 1);
      this.#base = { row, col, lead: 0 };
      return;
    }
    if (!this.#isOnTheWay(col)) return this.#wasWrong();
    if (first.settledAt !== null && now - first.settledAt > ECHO_MS) this.#wasWrong();
  }

  /** What to draw now; null where nothing is foretold, or not yet to be believed. */
  overlay(screen: EchoScreen): EchoOverlay | null {
    const last = this.#units.at(-1);
    if (!last || last.epoch !== this.#confirmedEpoch) return null;
    const cells = new Map([...this.#foretold()].filter(([col, char]) => screen.cell(last.row, col) !== char));
    return { row: last.row, cells, cursorCol: last.cursorCol };
  }

  /** Keys are foretold whose echo is not here yet. */
  get isWaiting(): boolean {
    return this.#units.length > 0;
  }

  /** When to look again though nothing was parsed, by the clock of `now`; null if there is no need. */
  get lookAgainAt(): number | null {
    const settledAt = this.#units[0]?.settledAt;
    return settledAt == null ? null : settledAt + ECHO_MS + 1;
  }

  /** Nothing is known any more: another screen, a refusal, a resize. */
  reset(): void {
    this.#units = [];
    this.#blind.clear();
    this.#newEpoch();
  }

  #predict(id: number, key: Exclude<Key, { is: 'other' }>, screen: EchoScreen): PredictedUnit | null {
    if ([...this.#blind.values()].some(({ kind, settledAt }) => kind === 'other' || settledAt !== null)) return null;
    const before = this.#units.at(-1);
    if (!before && this.#base && !isAt(screen, this.#base)) this.#newEpoch(); // something else moved the cursor
    this.#base ??= { row: screen.cursor.row, col: screen.cursor.col + this.#blind.size, lead: this.#blind.size };
    const { row } = this.#base;
    const col = before?.cursorCol ?? this.#base.col;
    const shown = this.#rowWith(screen, row);
    if (shown.includes('') || ASKS_SECRET.test(shown.slice(0, this.#reach?.from ?? col).join(''))) return null;
    const prompt =
      before?.epoch === this.#epoch ? before.prompt : promptIn(screen, row, Math.min(screen.cursor.col, this.#reach?.from ?? col));
    const common = { id, epoch: this.#epoch, row, prompt, settledAt: null };
    switch (key.is) {
      case 'char': {
        if (col >= screen.cols - 1) return null;
        const { char } = key;
        const cells = new Map([[col, char]]);
        // A suggestion that goes on with this very character stays where it is; other text moves on.
        const end = shown.findLastIndex((each) => each !== ' ');
        const isInserted = end >= col && shown[col] !== char;
        if (isInserted) for (let at = col + 1; at <= Math.min(end + 1, screen.cols - 1); at++) cells.set(at, shown[at - 1] ?? ' ');
        const reach = this.#reach ?? { from: col, to: col };
        this.#reach = { from: reach.from, to: isInserted ? reach.to + 1 : Math.max(reach.to, col + 1) };
        return { ...common, cells, typed: { col, char, before: screen.cell(row, col) }, cursorCol: col + 1 };
      }
      case 'backspace': {
        if (!this.#reach || col <= this.#reach.from) return null;
        const cells = new Map<number, string>();
        for (let at = col - 1; at < screen.cols; at++) if (shown[at] !== (shown[at + 1] ?? ' ')) cells.set(at, shown[at + 1] ?? ' ');
        this.#reach = { from: this.#reach.from, to: this.#reach.to - 1 };
        return { ...common, cells, typed: null, cursorCol: col - 1 };
      }
      case 'left':
        return this.#reach && col > this.#reach.from ? { ...common, cells: new Map(), typed: null, cursorCol: col - 1 } : null;
      case 'right':
        return this.#reach && col < this.#reach.to ? { ...common, cells: new Map(), typed: null, cursorCol: col + 1 } : null;
    }
  }

  /** Whether the cursor is where it is while these units are echoed one by one. */
  #isOnTheWay(col: number): boolean {
    if (this.#base && col <= this.#base.col && col >= this.#base.col - this.#base.lead) return true;
    return this.#units.some(({ cursorCol }) => cursorCol === col);
  }

  /** Index of the last unit up to which the screen is as foretold; -1 if there is none, or it could be as well by chance. */
  #confirmable(screen: EchoScreen): number {
    const foretold = new Map<number, string>();
    const typedCols = new Set<number>();
    let found = -1;
    let hasChanged = false;
    for (const [index, { cells, typed, cursorCol, settledAt, row }] of this.#units.entries()) {
      for (const [col, char] of cells) foretold.set(col, char);
      if (typed) typedCols.add(typed.col);
      if (typed && typed.char !== typed.before && typed.char !== ' ') hasChanged = true;
      const isSame = cursorCol === screen.cursor.col && [...typedCols].every((col) => screen.cell(row, col) === foretold.get(col));
      if (isSame && (settledAt !== null || (hasChanged && cursorCol !== this.#base?.col))) found = index;
    }
    return found;
  }

  #foretold(): Map<number, string> {
    const cells = new Map<number, string>();
    for (const unit of this.#units) for (const [col, char] of unit.cells) cells.set(col, char);
    return cells;
  }

  #rowWith(screen: EchoScreen, row: number): string[] {
    const foretold = this.#foretold();
    return Array.from({ length: screen.cols }, (_, col) => foretold.get(col) ?? screen.cell(row, col));
  }

  /** What is still on its way has an unknown effect now. */
  #wasWrong(): void {
    for (const { id, typed, settledAt } of this.#units) this.#blind.set(id, { kind: typed ? 'plain' : 'other', settledAt });
    this.#units = [];
    this.#newEpoch();
  }

  #newEpoch(): void {
    this.#epoch++;
    this.#base = null;
    this.#reach = null;
  }

  #forgetBlind(now: number): void {
    for (const [id, { kind, settledAt }] of this.#blind)
      if (settledAt !== null && now - settledAt >= RESULT_MS[kind]) this.#blind.delete(id);
    // Keys of an older epoch that were never echoed say nothing about where the next one goes.
    if (this.#blind.size === 0 && this.#units[0] && this.#units[0].epoch !== this.#epoch) this.#units = [];
  }
}

function keyOf(text: string): Key {
  if (PLAIN.test(text)) return { is: 'char', char: text };
  if (text === '\x7f' || text === '\b') return { is: 'backspace' };
  if (text === '\x1b[D' || text === '\x1bOD') return { is: 'left' };
  if (text === '\x1b[C' || text === '\x1bOC') return { is: 'right' };
  return { is: 'other' };
}

const promptIn = (screen: EchoScreen, row: number, length: number): string =>
  Array.from({ length }, (_, col) => screen.cell(row, col)).join('');

const isAt = ({ cursor }: EchoScreen, { row, col }: { row: number; col: number }): boolean => cursor.row === row && cursor.col === col;
