/** `export --format text`: what was printed, line by line, without what a terminal would have overwritten. */
import { PlainText } from '#session/plain-text.ts';
import { visibleText } from '#session/visible-text.ts';
import type { ExportTarget } from './formats.ts';
import type { ExportSource } from './source.ts';

/** A line that has not ended after so much is written as it is, characters. */
const MAX_LINE = 64 * 1024;

export async function writeText(source: ExportSource, target: ExportTarget): Promise<void> {
  const plain = new PlainText();
  let held = '';
  const write = async (text: string, isLast: boolean) => {
    held += text;
    const end = isLast || held.length > MAX_LINE ? held.length : held.lastIndexOf('\n') + 1;
    if (end > 0) await target(visibleText(held.slice(0, end)));
    held = held.slice(end);
  };
  for await (const { bytes } of source.output()) await write(plain.push(bytes), false);
  await write(plain.push(new Uint8Array(0), true), true);
  await target('\n');
}
