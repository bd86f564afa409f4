/** What the command line prints says nothing to the terminal but its words and our own styles. */
import { expect, test } from 'vitest';
import { harmless } from '../../main/cli/output.ts';

test('our own styles, lines and columns stay', () => {
  const text = '\x1b[1mNAME\x1b[22m\tcwd\n\x1b[2m→ ok\x1b[22m\n';
  expect(harmless(text)).toBe(text);
});

test.each([
  ['a\x1b]52;c;aGk=\x07b', 'a�]52;c;aGk=�b'],
  ['\x1b[8mhidden\x1b[31mred', '�[8mhidden\x1b[31mred'],
  ['\x1b[1;8m', '�[1;8m'],
  ['over\rwritten\x08', 'over�written�'],
  ['\x9b2J and \u202etxt.exe', '�2J and �txt.exe'],
])('%j says nothing to a terminal', (text, shown) => {
  expect(harmless(text)).toBe(shown);
});
