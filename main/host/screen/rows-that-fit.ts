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

/**
 * Rows of text, none left out: where all together are too much, the longest are cut, to the same length, and end with `…`.
 * `rowAt` is asked again for those: of a large screen they are never held whole together.
 */
export function cutToFit(count: number, rowAt: (index: number) => string, limit = MAX_ROWS_BYTES): { rows: string[]; isCut: boolean } {
  const rows: string[] = [];
  const lengths: number[] = [];
  let bytes = 1; // the brackets, but for one comma
  for (let index = 0; index < count; index++) {
    const row = rowAt(index);
    lengths.push(jsonBytes(row));
    bytes += jsonBytes(row);
    if (bytes <= limit) rows.push(row);
  }
  if (bytes <= limit) return { rows, isCut: false };
  const most = mostOfEach(lengths, limit - 1);
  return { rows: lengths.map((length, index) => (length <= most ? rowAt(index) : cutRow(rowAt(index), most))), isCut: true };
}

/** The length above which rows are cut, so that all have room: what the short ones leave is for the long ones. */
function mostOfEach(lengths: readonly number[], limit: number): number {
  let left = limit;
  const ascending = lengths.toSorted((a, b) => a - b);
  for (const [index, length] of ascending.entries()) {
    const share = Math.floor(left / (ascending.length - index));
    if (length > share) return share;
    left -= length;
  }
  return left;
}

function cutRow(row: string, bytes: number): string {
  let [whole, broken] = [0, row.length];
  while (whole + 1 < broken) {
    const middle = Math.floor((whole + broken) / 2);
    if (jsonBytes(beginning(row, middle)) <= bytes) whole = middle;
    else broken = middle;
  }
  return beginning(row, whole);
}

const beginning = (row: string, characters: number) => `${row.slice(0, characters).replace(/[\ud800-\udbff]$/, '')}…`;

/** With the comma behind it. */
const jsonBytes = (row: string) => Buffer.byteLength(JSON.stringify(row)) + 1;
