/** How input becomes a line: what is held of it, where it ends, and what of it is the line itself. */
import type { InputSource, Unit } from '../sessions/session-input.ts';
import type { InputContext } from './input-context.ts';

/** What a client has sent and is not written, nor refused, yet. */
export type Held = {
  source: InputSource;
  units: Unit[];
  /** Waits for a person, for the shell, or for its Enter. */
  asked: { id: number; units: number; context: string } | null;
  timer: NodeJS.Timeout | null;
  lineSince: number | null;
  /** Of the line that is judged: already written, since nothing it could become was forbidden. */
  written: { text: string; generation: number };
};

const PASTE_START = '\x1b[200~';
const PASTE_END = '\x1b[201~';

/** The unit has an Enter, or a key that does something at once: from there on the line must be judged. */
export function endsLine({ bytes }: Unit): boolean {
  let hasKey = false;
  let hasEscape = false;
  for (const byte of bytes) {
    if (byte === 0x1b) hasEscape = true;
    else if (byte < 0x20 || byte === 0x7f) hasKey = true;
  }
  if (hasKey || !hasEscape) return hasKey;
  return new TextDecoder().decode(bytes).replaceAll(PASTE_START, '').replaceAll(PASTE_END, '').includes('\x1b');
}

/** Without its one Enter, and without the frame of a paste where the shell knows pastes. */
export function lineOf(text: string, bracketedPaste: boolean): string {
  const line = text.replace(/\r\n?$|\n$/, '');
  const inner = line.startsWith(PASTE_START) && line.endsWith(PASTE_END) ? line.slice(PASTE_START.length, -PASTE_END.length) : null;
  return bracketedPaste && inner !== null && !inner.includes('\x1b') ? inner : line;
}

/** What several units are together. */
export function joined(units: Unit[]): Uint8Array {
  const [only] = units;
  if (only && units.length === 1) return only.bytes;
  return new Uint8Array(Buffer.concat(units.map(({ bytes }) => bytes)));
}

/** What the held line of a client has already before the prompt, if it and the prompt are still the same. */
export function prefixOf({ written, source }: Held, { generation, drafted, is }: InputContext): string {
  const isSame = is === 'prompt' && written.generation === generation && drafted.every((author) => author === source.actor.id);
  return isSame && drafted.length > 0 ? written.text : '';
}
