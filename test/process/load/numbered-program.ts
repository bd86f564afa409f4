/** A program whose output is known at every offset, so that any piece of it can be checked, whoever received it. */

/** Bytes of one line: its number, a filler, a line feed. */
const LINE_BYTES = 1024;
const NUMBER_DIGITS = 12;

export type NumberedOutput = {
  /** Ends after this many lines; prints for ever without. */
  lines?: number;
  /** Lines printed at once, and the pause after them, milliseconds. Without, it prints as fast as it can. */
  burst?: { lines: number; pauseMs: number };
  /** Waits for one typed line first, once it has made this file: from then on no typing is echoed. */
  waitsAt?: string;
};

/** Nothing but the numbered lines reaches the terminal: no echo, no carriage returns. */
export function numberedProgram({ lines, burst, waitsAt }: NumberedOutput): string[] {
  const every = burst?.lines ?? 256;
  const pause = burst ? `select(undef, undef, undef, ${burst.pauseMs / 1000});` : '';
  const print = `$b .= sprintf("%0${NUMBER_DIGITS}d%s\\n", $i, $f); if (($i + 1) % ${every} == 0) { print $b; $b = ""; ${pause} }`;
  const loop = `for ($i = 0; ${lines === undefined ? '' : `$i < ${lines}`}; $i++) { ${print} }`;
  const perl = `$| = 1; $f = "x" x ${LINE_BYTES - NUMBER_DIGITS - 1}; $b = ""; ${loop} print $b;`;
  return ['/bin/sh', '-c', `stty -echo -opost; ${waitsAt === undefined ? '' : `: > '${waitsAt}'; read line; `}exec perl -e '${perl}'`];
}

export const numberedBytes = (lines: number): number => lines * LINE_BYTES;

const line = Buffer.from(`${'0'.repeat(NUMBER_DIGITS)}${'x'.repeat(LINE_BYTES - NUMBER_DIGITS - 1)}\n`);

/** Offset of the first byte that is not the program's, or null if all of them are. */
export function firstWrongByte(offset: number, bytes: Uint8Array): number | null {
  for (let at = 0; at < bytes.length; ) {
    const inLine = (offset + at) % LINE_BYTES;
    const length = Math.min(LINE_BYTES - inLine, bytes.length - at);
    line.write(String(Math.floor((offset + at) / LINE_BYTES)).padStart(NUMBER_DIGITS, '0'), 0, 'latin1');
    if (line.compare(bytes, at, at + length, inLine, inLine + length) !== 0) return offset + at;
    at += length;
  }
  return null;
}
