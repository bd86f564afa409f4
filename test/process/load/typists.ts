/**
 * Several people who type numbered units into one session without a rest, through whatever happens to their links and the
 * host; and what their session's program must have read in the end.
 */
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import type { LightView } from './light-client.ts';

/** A program that writes what it reads into `file`. */
export const typedInto = (file: string): string[] => ['/bin/sh', '-c', `stty raw -echo; echo ready; exec cat > ${file}`];

export class Typists {
  readonly #verdicts: { unit: string; applied: boolean }[] = [];
  readonly #typing: Promise<unknown>;
  readonly #count: number;
  /** Called with when a unit was typed that was applied. */
  #onApplied: (typedAt: number) => void = () => {};
  #isDone = false;

  constructor(views: readonly LightView[]) {
    this.#count = views.length;
    this.#typing = Promise.all(views.map((view, who) => this.#type(view, who)));
  }

  /** How many were told applied, and refused. */
  get told(): { applied: number; refused: number } {
    const applied = this.#verdicts.filter((verdict) => verdict.applied).length;
    return { applied, refused: this.#verdicts.length - applied };
  }

  /** Resolves when a unit that was typed after this moment was applied. */
  applied(after: number): Promise<void> {
    return new Promise((resolve) => {
      this.#onApplied = (typedAt) => {
        if (typedAt >= after) resolve();
      };
    });
  }

  /** Resolves when everything that was typed has its verdict. */
  async stop(): Promise<void> {
    this.#isDone = true;
    await this.#typing;
  }

  /** The program may still be at what its terminal has. */
  async untilRead(file: string): Promise<void> {
    const units = this.#verdicts.flatMap(({ unit, applied }) => (applied ? [unit] : []));
    await expect.poll(() => readFileSync(file).length, { timeout: 10_000 }).toBeGreaterThanOrEqual(units.join('').length);
  }

  /** Throws unless exactly what was told applied was read: each unit whole, once, and each typist's in their order. */
  check(file: string): void {
    const text = readFileSync(file, 'latin1');
    const reached = text.match(/<\d+:\d+>/g) ?? [];
    expect(text).toBe(reached.join(''));
    expect([...reached].sort()).toEqual(this.#verdicts.flatMap(({ unit, applied }) => (applied ? [unit] : [])).sort());
    for (let who = 0; who < this.#count; who++) {
      const numbers = reached.filter((unit) => unit.startsWith(`<${who}:`)).map((unit) => Number(unit.slice(3, -1)));
      expect(numbers).toEqual([...new Set(numbers)].toSorted((a, b) => a - b));
    }
  }

  async #type({ stream }: LightView, who: number): Promise<void> {
    for (let n = 1; !this.#isDone; n++) {
      const unit = `<${who}:${n}>`;
      const typedAt = performance.now();
      const { verdict } = await stream.type(Buffer.from(unit));
      this.#verdicts.push({ unit, applied: verdict === 'applied' });
      if (verdict === 'applied') this.#onApplied(typedAt);
      // Refused without a wait, the loop would spin: taking over is what a person would do.
      else if (stream.isAttached) await stream.takeControl().catch(() => {}); // cut off meanwhile
    }
  }
}

export const quantile = (values: readonly number[], q: number): number =>
  values.toSorted((a, b) => a - b)[Math.ceil(values.length * q) - 1] ?? Number.NaN;

/** Longest that nothing is done to them, milliseconds. */
const MOMENT_MS = 150;

/** Some time that nobody foresees, so that what is done then hits anything. */
export const moment = () => new Promise((resolve) => setTimeout(resolve, Math.random() * MOMENT_MS));
