/** The words of a line of ssh_config as OpenSSH splits them: quotes, backslashes, a comment behind them. Pure. */

/** Null if a quote is not closed. */
export function splitWords(text: string): string[] | null {
  const words: string[] = [];
  let at = 0;
  while (at < text.length) {
    while (isBlank(text[at])) at++;
    if (at >= text.length || text[at] === '#') break;
    const read = readWord(text, at);
    if (!read) return null;
    words.push(read.word);
    at = read.end;
  }
  return words;
}

function readWord(text: string, start: number): { word: string; end: number } | null {
  let word = '';
  let quote = '';
  let at = start;
  for (; at < text.length; at++) {
    const sign = text[at] ?? '';
    const next = text[at + 1];
    if (sign === '\\' && next !== undefined && isEscapable(next, quote)) {
      word += next;
      at++;
    } else if (quote) {
      if (sign === quote) quote = '';
      else word += sign;
    } else if (sign === '"' || sign === "'") {
      quote = sign;
    } else if (isBlank(sign)) {
      break;
    } else {
      word += sign;
    }
  }
  return quote ? null : { word, end: at };
}

/** A backslash in front of anything else stands for itself, as in Windows' paths. */
function isEscapable(sign: string, quote: string): boolean {
  return sign === '"' || sign === "'" || sign === '\\' || (sign === ' ' && !quote);
}

function isBlank(sign: string | undefined): boolean {
  return sign === ' ' || sign === '\t';
}
