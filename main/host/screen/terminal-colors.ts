/** The colours a terminal has, changed by the program (OSC 4, 10, 11, 12) and told to it when it asks. */
import type { ScreenColors } from './screen-messages.ts';

/** What a program is told before any window said otherwise: a dark theme. */
export const DEFAULT_COLORS: ScreenColors = { foreground: '#d8dee9', background: '#16181d', cursor: '#d8dee9' };

/** The first 16 colours, as in xterm.js. */
const BASE_PALETTE = [
  ['#2e3436', '#cc0000', '#4e9a06', '#c4a000', '#3465a4', '#75507b', '#06989a', '#d3d7cf'],
  ['#555753', '#ef2929', '#8ae234', '#fce94f', '#729fcf', '#ad7fa8', '#34e2e2', '#eeeeec'],
].flat();

/** Slots beyond the palette's 256, as xterm.js numbers them. */
const [FOREGROUND, BACKGROUND, CURSOR] = [256, 257, 258];

/** One entry of what xterm.js reports for a colour sequence. */
export type ColorRequest = { readonly type: number; readonly index?: number; readonly color?: readonly number[] };
/** ColorRequestType of xterm.js: the third, 2, restores one colour or, without index, the palette. */
const [REPORT, SET] = [0, 1];

export class TerminalColors {
  #theme: ScreenColors;
  /** What the program set, by slot. */
  readonly #changed = new Map<number, readonly number[]>();

  constructor(theme: ScreenColors) {
    this.#theme = theme;
  }

  set theme(theme: ScreenColors) {
    this.#theme = theme;
  }

  reset(): void {
    this.#changed.clear();
  }

  /** Does what a colour sequence asks; answers what the terminal has to reply, or ''. */
  handle(requests: readonly ColorRequest[]): string {
    let reply = '';
    for (const { type, index, color } of requests) {
      if (type === REPORT && index !== undefined) reply += `\x1b]${command(index)};${specification(this.#color(index))}\x1b\\`;
      else if (type === SET && index !== undefined && color) this.#changed.set(index, color);
      else if (index !== undefined) this.#changed.delete(index);
      else for (const slot of this.#changed.keys()) if (slot < FOREGROUND) this.#changed.delete(slot);
    }
    return reply;
  }

  /** The sequences that set what the program changed. */
  sequences(): string {
    return [...this.#changed].map(([slot, color]) => `\x1b]${command(slot)};${specification(color)}\x1b\\`).join('');
  }

  #color(slot: number): readonly number[] {
    const changed = this.#changed.get(slot);
    if (changed) return changed;
    if (slot === FOREGROUND) return fromHex(this.#theme.foreground);
    if (slot === BACKGROUND) return fromHex(this.#theme.background);
    if (slot === CURSOR) return fromHex(this.#theme.cursor);
    const base = this.#theme.palette?.[slot] ?? BASE_PALETTE[slot];
    if (base) return fromHex(base);
    if (slot >= 232) return Array(3).fill(8 + (slot - 232) * 10);
    const cube = slot - 16;
    return [Math.floor(cube / 36), Math.floor(cube / 6) % 6, cube % 6].map((level) => (level ? 55 + level * 40 : 0));
  }
}

const command = (slot: number) => (slot < FOREGROUND ? `4;${slot}` : `${10 + slot - FOREGROUND}`);

/** As XParseColor writes it, 16 bits a channel. */
const specification = (color: readonly number[]) =>
  `rgb:${color
    .map((channel) => channel.toString(16).padStart(2, '0'))
    .map((channel) => channel + channel)
    .join('/')}`;

function fromHex(hex: string): readonly number[] {
  const match = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(hex);
  return match ? match.slice(1).map((channel) => Number.parseInt(channel, 16)) : [0, 0, 0];
}
