/** Where lines that somebody points at are in a terminal that may have printed more since, or been drawn anew. Pure. */

/** Lines looked through, from the last one upwards. */
const MAX_LOOKED = 5_000;

export type LineSource = {
  /** Lines there are. */
  readonly length: number;
  /** Without blanks at the end. */
  text(line: number): string;
};

/**
 * The first line of `lines` in `source`: at `expected` if they are there, else where they are nearest to it; null if they
 * are nowhere. Lines told in part are compared in that part; where the last of them are blank they count as well.
 */
export function pointedPlace(source: LineSource, { lines, expected }: { lines: readonly string[]; expected: number }): number | null {
  if (isAt(source, lines, expected)) return expected;
  const lowest = Math.max(0, source.length - MAX_LOOKED);
  const farthest = Math.max(Math.abs(expected - lowest), Math.abs(source.length - expected));
  for (let distance = 1; distance <= farthest; distance++) {
    // What was printed since moved them up.
    for (const line of [expected - distance, expected + distance])
      if (line >= lowest && line < source.length && isAt(source, lines, line)) return line;
  }
  return null;
}

function isAt(source: LineSource, lines: readonly string[], first: number): boolean {
  if (first < 0 || first + lines.length > source.length || lines.every((line) => line === '')) return false;
  return lines.every((line, index) => {
    const text = source.text(first + index);
    return text === line || (line !== '' && text.startsWith(line));
  });
}
