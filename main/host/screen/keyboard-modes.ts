/** Keyboard protocols a program asked for: xterm.js knows none, but the terminal behind a raw attach may. */

type Identifier = { prefix: string; final: string };
type Parser = { registerCsiHandler(id: Identifier, handler: (parameters: (number | number[])[]) => boolean): unknown };

/** Entries a terminal keeps, as the kitty protocol suggests to bound them. */
const MAX_DEPTH = 16;

export class KeyboardModes {
  #normal: number[] = [];
  #alternate: number[] = [];
  #modifyKeys = '';

  constructor(parser: Parser, isAlternate: () => boolean) {
    const stack = () => (isAlternate() ? this.#alternate : this.#normal);
    const on = (prefix: string, final: string, handler: (first: number | undefined, second: number | undefined) => void) =>
      parser.registerCsiHandler({ prefix, final }, ([first, second]) => {
        handler(typeof first === 'number' ? first : undefined, typeof second === 'number' ? second : undefined);
        return true;
      });
    on('>', 'u', (flags = 0) => {
      stack().push(flags);
      if (stack().length > MAX_DEPTH) stack().shift();
    });
    on('<', 'u', (count) => {
      for (let left = Math.min(count || 1, MAX_DEPTH); left > 0; left--) stack().pop();
    });
    on('=', 'u', (flags = 0, mode = 1) => {
      const current = stack().pop() ?? 0;
      stack().push(mode === 2 ? current | flags : mode === 3 ? current & ~flags : flags);
    });
    // XTMODKEYS; resource 4 is modifyOtherKeys, which editors set.
    on('>', 'm', (resource, value = 0) => {
      if (!resource || resource === 4) this.#modifyKeys = resource && value > 0 ? `\x1b[>4;${value}m` : '';
    });
  }

  /** Flags of the kitty protocol, in the order they were pushed. */
  get normal(): readonly number[] {
    return this.#normal;
  }

  get alternate(): readonly number[] {
    return this.#alternate;
  }

  /** The sequence that sets what is set, or empty. */
  get modifyKeys(): string {
    return this.#modifyKeys;
  }

  reset(): void {
    this.#normal = [];
    this.#alternate = [];
    this.#modifyKeys = '';
  }
}
