/**
 * When typing is foretold, and what: the engine with a clock, the link's round trip and the person's choice. Whoever
 * shows a session draws its `overlay`. Pure.
 */
import type { Clock } from '#protocol/clock.ts';
import { type EchoOverlay, EchoPrediction, type EchoScreen } from './echo-prediction.ts';
import type { Verdict } from './input-outbox.ts';

export const PREDICTION_CHOICES = ['slow', 'always', 'never'] as const;
export type PredictionChoice = (typeof PREDICTION_CHOICES)[number];

/** Above this round trip typing is foretold, below the lower one no more, milliseconds: an echo within 60 feels like one's own. */
const SLOW_MS = { from: 60, until: 40 };
/** How much a new round trip counts in the mean. */
const SMOOTHING = 0.3;
/** A unit held over an outage says nothing about the link, milliseconds. */
const LONGEST_MS = 2_000;

export type ForecastOptions = {
  clock: Clock;
  choice: () => PredictionChoice;
  /** Round trip to the host, milliseconds; null where it is not known. */
  latencyMs: () => number | null;
  screen: () => EchoScreen;
  /** Another overlay may be due, though nothing was typed or parsed. */
  changed: () => void;
};

export class EchoForecast {
  readonly #options: ForecastOptions;
  readonly #prediction = new EchoPrediction();
  #roundTripMs: number | null = null;
  #isSlow = false;
  #isDisposed = false;
  #cancelTimer: () => void = () => {};

  constructor(options: ForecastOptions) {
    this.#options = options;
  }

  /** What is foretold is not echoed yet. */
  get isWaiting(): boolean {
    return this.#prediction.isWaiting;
  }

  /** What to draw now; null where there is nothing. */
  get overlay(): EchoOverlay | null {
    return this.#prediction.overlay(this.#options.screen());
  }

  /** A unit was typed, of these keys; `verdict` says when it reached the program. False where nothing is foretold. */
  typed(keys: readonly string[], verdict: Promise<Verdict>): boolean {
    const { clock, screen } = this.#options;
    const typedAt = clock.now();
    const ids = this.#isOn() ? keys.map((key) => this.#prediction.typed(key, screen(), typedAt)) : [];
    void verdict.then((settled) => {
      if (this.#isDisposed) return;
      const isApplied = settled.verdict === 'applied';
      const now = clock.now();
      if (isApplied) this.#measured(now - typedAt);
      if (ids.length === 0) return;
      for (const id of ids) this.#prediction.settled(id, isApplied, screen(), now);
      this.#changed();
    });
    if (ids.length > 0) this.#lookAgain();
    return ids.length > 0;
  }

  /** The terminal parsed output. */
  parsed(): void {
    if (!this.isWaiting) return;
    this.#prediction.look(this.#options.screen(), this.#options.clock.now());
    this.#lookAgain();
  }

  /** Nothing is known any more: another screen, a resize. */
  reset(): void {
    this.#prediction.reset();
    this.#lookAgain();
  }

  dispose(): void {
    this.#isDisposed = true;
    this.#cancelTimer();
  }

  #changed(): void {
    this.#lookAgain();
    this.#options.changed();
  }

  #lookAgain(): void {
    const { clock } = this.#options;
    this.#cancelTimer();
    this.#cancelTimer = () => {};
    const at = this.#prediction.lookAgainAt;
    if (at === null) return;
    this.#cancelTimer = clock.after(Math.max(0, at - clock.now()), () => {
      this.parsed();
      this.#options.changed();
    });
  }

  #measured(ms: number): void {
    const bounded = Math.min(LONGEST_MS, ms);
    this.#roundTripMs = this.#roundTripMs === null ? bounded : this.#roundTripMs + SMOOTHING * (bounded - this.#roundTripMs);
  }

  #isOn(): boolean {
    const choice = this.#options.choice();
    if (choice !== 'slow') return choice === 'always';
    const ms = this.#roundTripMs ?? this.#options.latencyMs() ?? 0;
    const isSlow = ms > (this.#isSlow ? SLOW_MS.until : SLOW_MS.from);
    if (isSlow && !this.#isSlow) this.#prediction.reset(); // what is on its way was not followed
    this.#isSlow = isSlow;
    return isSlow;
  }
}

/** The part of xterm's buffer that is needed, in the browser and headless. */
type EchoBuffer = {
  readonly cursorX: number;
  readonly cursorY: number;
  readonly baseY: number;
  getLine(row: number): { getCell(col: number): { getWidth(): number; getChars(): string } | undefined } | undefined;
};

export function echoScreen(buffer: EchoBuffer, cols: number): EchoScreen {
  return {
    cols,
    cursor: { row: buffer.cursorY, col: buffer.cursorX },
    cell: (row, col) => {
      const cell = buffer.getLine(buffer.baseY + row)?.getCell(col);
      return cell?.getWidth() === 0 ? '' : cell?.getChars() || ' ';
    },
  };
}
