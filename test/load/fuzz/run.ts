/** Runs cases of every area in turn, by its weight, until time or number is up; a failure names its seed. */
import { randomFrom } from '../../contract/random-streams.ts';
import { AREAS } from './pure.ts';

export type Figures = Record<string, number>;

export async function runPure(options: { cases: number; untilMs: number; seed: number; only?: string }): Promise<Figures> {
  const figures: Figures = {};
  const turns = Object.entries(AREAS).flatMap(([name, { weight, each }]) => Array.from({ length: weight }, () => ({ name, each })));
  const chosen = turns.filter(({ name }) => !options.only || name === options.only);
  for (let n = 0; n < options.cases && Date.now() < options.untilMs; n++) {
    const turn = chosen[n % chosen.length];
    if (!turn) break;
    const seed = options.seed + n;
    try {
      turn.each(randomFrom(seed));
    } catch (error) {
      throw new Error(`${turn.name}, seed ${seed}: ${(error as Error).message}`, { cause: error });
    }
    figures[turn.name] = (figures[turn.name] ?? 0) + 1;
    if (n % 200 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  return figures;
}
