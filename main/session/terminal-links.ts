/**
 * Bounds what xterm.js 6.0 remembers of hyperlinks (OSC 8): 3 kB for each time one without an id is written, on a line that
 * is drawn again too, until the line is gone; and for ever, with the whole buffer it was in, where the terminal was reset.
 * Pure.
 */

/** As many links keep their target; of more the oldest lose it. */
export const MAX_LINKS = 4096;

type Entry = { readonly lines: readonly { dispose(): void }[] };
type Parser = { registerEscHandler(id: { final: string }, handler: () => boolean): unknown };

/** Throws if xterm.js is not as it has to be for this. */
export function boundLinks(parser: Parser, core: object): void {
  const service: unknown = Reflect.get(core, '_oscLinkService');
  const entries: unknown = isObject(service) ? Reflect.get(service, '_dataByLinkId') : null;
  const register: unknown = isObject(service) ? Reflect.get(service, 'registerLink') : null;
  if (!isObject(service) || !(entries instanceof Map) || typeof register !== 'function') {
    throw new Error(
      'xterm.js is not as cmdop knows it (6.0.0): it keeps links elsewhere; pin it to 6.0.0 or adapt main/session/terminal-links.ts',
    );
  }
  const links = entries as ReadonlyMap<number, Entry>;
  Reflect.set(service, 'registerLink', (link: unknown): unknown => {
    const id: unknown = register.call(service, link);
    for (const entry of links.values()) {
      if (links.size <= MAX_LINKS) break;
      forget(entry);
    }
    return id;
  });
  parser.registerEscHandler({ final: 'c' }, () => {
    for (const entry of [...links.values()]) forget(entry);
    return false;
  });
}

/** Its last marker takes it out of the table. */
function forget({ lines }: Entry): void {
  for (const marker of [...lines]) marker.dispose();
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
