/** What an agent is told when it has control again: the output that came without it. */
import { z } from 'zod';

export const missedShape = z
  .object({ fromOffset: z.number(), toOffset: z.number() })
  .nullable()
  .describe('You had lost control and have it again: what was printed meanwhile. Read it with output_read before you go on');

export function missedText(missed: z.output<typeof missedShape>): string {
  if (missed === null) return '';
  return ` You had lost control meanwhile: read what came from offset ${missed.fromOffset} to ${missed.toOffset} with output_read before you go on.`;
}
