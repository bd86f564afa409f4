/** Medians, spreads and percentiles of what was measured. Pure. */

export type Spread = { readonly median: number; readonly min: number; readonly max: number; readonly rounds: number };

/** Throws RangeError where nothing was measured. */
export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (percentile(sorted, 50) + (sorted[sorted.length >> 1] ?? 0)) / 2;
  return { median: middle, min: percentile(sorted, 0), max: percentile(sorted, 100), rounds: values.length };
}

/** The `p`-th percentile (0 … 100) by nearest rank. `sorted` is ascending. Throws RangeError if it is empty. */
export function percentile(sorted: readonly number[], p: number): number {
  const value = sorted[Math.max(0, Math.ceil((sorted.length * p) / 100) - 1)];
  if (value === undefined) throw new RangeError('no values: nothing was measured');
  return value;
}
