/**
 * Keeps a client's terminal from answering a program's queries: only the host's own terminal answers, since one
 * query answered by n clients would put n answers into the program's input.
 */

type Identifier = { prefix?: string; intermediates?: string; final: string };

/** The part of xterm's IParser that is needed. */
export type GuardedParser = {
  registerCsiHandler(id: Identifier, handler: (params: (number | number[])[]) => boolean): unknown;
  registerDcsHandler(id: Identifier, handler: (payload: string, params: (number | number[])[]) => boolean): unknown;
  registerOscHandler(id: number, handler: (payload: string) => boolean): unknown;
};

/** CSI sequences that are nothing but queries: device attributes, status reports, mode and version requests, kitty flags. */
const QUERIES: Identifier[] = [
  { final: 'c' },
  { prefix: '>', final: 'c' },
  { prefix: '=', final: 'c' },
  { final: 'n' },
  { prefix: '?', final: 'n' },
  { final: 'x' },
  { intermediates: '$', final: 'p' },
  { prefix: '?', intermediates: '$', final: 'p' },
  { prefix: '>', final: 'q' },
  { prefix: '?', final: 'u' },
];

/** Window operations that report (XTWINOPS 11 and up, but not 22 and 23: the title stack). */
const isWindowReport = (operation: unknown) => typeof operation === 'number' && operation >= 11 && operation <= 21;

/** OSC colour sequences; a `?` in the payload asks for the colour. */
const COLOR_OSC = [4, 5, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19];

export function guardQueries(parser: GuardedParser): void {
  for (const id of QUERIES) parser.registerCsiHandler(id, () => true);
  parser.registerCsiHandler({ final: 't' }, ([operation]) => isWindowReport(operation));
  parser.registerDcsHandler({ intermediates: '$', final: 'q' }, () => true); // DECRQSS
  parser.registerDcsHandler({ intermediates: '+', final: 'q' }, () => true); // XTGETTCAP
  for (const id of COLOR_OSC) parser.registerOscHandler(id, (payload) => payload.split(';').includes('?'));
  // Reading or writing the clipboard is nothing a program may do by printing.
  parser.registerOscHandler(52, () => true);
}
