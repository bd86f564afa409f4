/**
 * The line in which a person in a terminal writes to the others, and chooses lines to point at. It is shown instead of the
 * session's last row; nothing of it reaches the program. Pure.
 */

/** Longest message, characters; the host cuts it there as well. */
const MAX_CHARACTERS = 500;

/** What is pointed at: lines counted upwards from the last that shows anything, 1; null for a message alone. */
export type Chosen = { readonly from: number; readonly to: number };
export type TalkStep =
  | { readonly is: 'changed' }
  | { readonly is: 'cancelled' }
  | { readonly is: 'done'; readonly text: string; readonly chosen: Chosen | null };

const SEQUENCE = /^\x1b(?:\[[0-9;:?<=>]*[ -/]*[@-~]|O[A-Za-z])/;

export class TalkLine {
  #text = '';
  #chosen: Chosen | null = null;

  get text(): string {
    return this.#text;
  }
  get chosen(): Chosen | null {
    return this.#chosen;
  }
  get isEmpty(): boolean {
    return this.#text === '' && this.#chosen === null;
  }

  /** What the terminal sent, until the line is finished: the rest is then not used. */
  push(bytes: Uint8Array): TalkStep {
    let rest = new TextDecoder().decode(bytes).replaceAll(/\x1b\[20[01]~/g, '');
    while (rest !== '') {
      const sequence = SEQUENCE.exec(rest)?.[0];
      const key = sequence ?? [...rest][0] ?? '';
      rest = rest.slice(key.length);
      const step = this.#key(key);
      if (step) return step;
    }
    return { is: 'changed' };
  }

  #key(key: string): TalkStep | null {
    if (key === '\x1b' || key === '\x03' || key === '\x1b[27u') return { is: 'cancelled' };
    if (key === '\r' || key === '\n' || key === '\x1b[13u')
      return this.isEmpty ? { is: 'cancelled' } : { is: 'done', text: this.#text.trim(), chosen: this.#chosen };
    if (key === '\x7f' || key === '\b') this.#text = [...this.#text].slice(0, -1).join('');
    else if (key === '\x15') this.#text = '';
    else if (/^\x1b(?:\[|O)A$/.test(key)) this.#move(1);
    else if (/^\x1b(?:\[|O)B$/.test(key)) this.#move(-1);
    else if (key === '\x1b[1;2A') this.#extend(1);
    else if (key === '\x1b[1;2B') this.#extend(-1);
    else if (!/[\x00-\x1f\x7f-\x9f]/.test(key) && [...this.#text].length < MAX_CHARACTERS) this.#text += key;
    return null;
  }

  /** Up begins at the last line; down from there points at nothing any more. */
  #move(lines: 1 | -1): void {
    if (!this.#chosen) this.#chosen = lines > 0 ? { from: 1, to: 1 } : null;
    else if (this.#chosen.to + lines < 1) this.#chosen = null;
    else this.#chosen = { from: this.#chosen.from + lines, to: this.#chosen.to + lines };
  }

  /** `from` is the upper one. */
  #extend(lines: 1 | -1): void {
    if (!this.#chosen) return this.#move(lines);
    const { from, to } = this.#chosen;
    this.#chosen = { from: Math.max(to, from + lines), to };
  }
}
