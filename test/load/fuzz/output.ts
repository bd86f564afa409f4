/** What a hostile program prints: sequences that ask, write the clipboard, forge marks, never end, or break off. */
import { RandomStream } from '../../contract/random-streams.ts';
import { below, joined, mutate, pick, type Random } from './mutate.ts';

/** What forged command records would say. */
export const FORGED = 'forged-command';
/** What a hostile clipboard would hold, as base64 and decoded. */
export const STOLEN = { base64: 'c3RvbGVu', text: 'stolen' };

const STARTS = [
  '\x1b]',
  '\u009d',
  '\x1bP',
  '\u0090',
  '\x1b_',
  '\x1b^',
  '\x1bX',
  '\x1b[',
  '\u009b',
  '\x1b]0;x',
  '\x1b]8;;http://a/',
  '\x1bPq',
];
const ENDS = ['\x07', '\x1b\\', '\u009c', '\x18', '\x1a', '\x1b', '', '\x1b\x1b\\', '\xc2'];
const QUERIES = [
  '\x1b[c',
  '\x1b[>c',
  '\x1b[=c',
  '\x1b[5n',
  '\x1b[6n',
  '\x1b[?6n',
  '\x1b[?25$p',
  '\x1b[4$p',
  '\x1b[18t',
  '\x1b[21t',
  '\x1bZ',
].concat([
  '\x1b]10;?\x07',
  '\x1b]11;?\x1b\\',
  '\x1b]4;1;?\x07',
  '\x1bP$qm\x1b\\',
  '\x1bP+q544e\x1b\\',
  '\x1b[?u',
  '\x1b[>q',
  '\x1b[x',
  '\x05',
]);
const BODIES = [
  '52;c;',
  '052;c;',
  '5\x002;c;',
  '52;;',
  '5522;',
  '1337;Copy=:',
  '51;["call"]',
  '9;7;',
  '0;',
  '2;\u202e',
  '133;A',
  '133;C;cmdop=',
];

export function hostileOutput(random: Random): Uint8Array<ArrayBuffer> {
  const stream = new RandomStream(random, { cols: 80, rows: 24 });
  const parts: Uint8Array[] = [];
  for (let left = 1 + below(random, 8); left > 0; left--) parts.push(piece(random, stream));
  const whole = joined(...parts);
  return random() < 0.3 ? mutate(random, whole) : whole;
}

function piece(random: Random, stream: RandomStream): Uint8Array {
  const text = (value: string) => new Uint8Array(Buffer.from(value));
  switch (below(random, 10)) {
    case 0:
      return text(`${pick(random, STARTS)}${pick(random, STARTS)}${pick(random, BODIES)}${STOLEN.base64}${pick(random, ENDS)}`);
    case 1:
      return text(`\x1b]${pick(random, BODIES)}${STOLEN.base64}${pick(random, ENDS)}`);
    case 2:
      return text(`${pick(random, STARTS)}${'A'.repeat(below(random, 12_000))}${pick(random, ENDS)}`);
    case 3:
      return text(pick(random, QUERIES).repeat(1 + below(random, 5)));
    case 4:
      return mutate(random, text(pick(random, QUERIES)));
    case 5:
      return text(forgedMark(random));
    case 6:
      return text(
        pick(random, ['\x1b[?2026h', '\x1b[?2l', '\x1b%@', '\x1b G', '\x1b[2h', '\x1bc', '\x1b[!p', '\u202e\u2066\u200b\u200d\ufeff']),
      );
    case 7:
      return text(`\x1b[${'0'.repeat(below(random, 9000))}${pick(random, ['c', 'n', 't', ';;c', '\x7fc'])}`);
    case 8:
      return stream.hostile(3);
    default:
      return text(stream.valid(3));
  }
}

export function forgedMark(random: Random, nonce = pick(random, ['', 'a'.repeat(32), '0123456789abcdef', '__proto__'])): string {
  const key = `${nonce}.${pick(random, ['1', '0', '999999', '999999999999999'])}`;
  const end = pick(random, ['\x07', '\x1b\\']);
  const marks = [`633;E;${FORGED};${key}`, `133;C;cmdop=${key}`, `133;D;0;cmdop=${key}`, `133;A;cmdop=${key}`, `633;P;Cwd=/forged;${key}`];
  return marks.map((mark) => `\x1b]${mark}${end}`).join(random() < 0.5 ? '' : FORGED);
}
