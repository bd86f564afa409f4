/** As many rows as one answer may hold. */

/** Rows of one answer together, bytes of JSON: below a frame's limit with room for the rest. */
const MAX_ROWS_BYTES = 768 * 1024;

export function oldestThatFit<T>(rows: readonly T[], limit = MAX_ROWS_BYTES): T[] {
  let bytes = 0;
  const cut = rows.findIndex((row) => {
    bytes += Buffer.byteLength(JSON.stringify(row));
    return bytes > limit;
  });
  return cut < 0 ? [...rows] : rows.slice(0, cut);
}

export const newestThatFit = <T>(rows: readonly T[], limit = MAX_ROWS_BYTES): T[] => oldestThatFit(rows.toReversed(), limit).toReversed();

/** What matters most first; of the rest, what is left room for, newest first. In the order given. */
export function urgentThatFit<T>(rows: readonly T[], isUrgent: (row: T) => boolean): T[] {
  const urgent = oldestThatFit(rows.filter(isUrgent));
  const taken = urgent.reduce((sum, row) => sum + Buffer.byteLength(JSON.stringify(row)), 0);
  const rest = newestThatFit(
    rows.filter((row) => !isUrgent(row)),
    MAX_ROWS_BYTES - taken,
  );
  const kept = new Set([...urgent, ...rest]);
  return rows.filter((row) => kept.has(row));
}
