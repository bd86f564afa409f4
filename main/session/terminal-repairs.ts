/**
 * Repairs of xterm.js 6.0 that every terminal of cmdop needs, the host's and the clients', so that all show the same. Pure.
 *
 * - `CSI 1 J` in the last cell of a screen without scrollback throws, after which a terminal parses nothing any more:
 *   seven bytes of output would freeze every window. With scrollback it unwraps a line at random.
 * - DECRC goes to where the saved row has scrolled to, but only until the scrollback is full: terminals with more or
 *   less scrollback would put the cursor in different rows. A saved row is a row of the screen.
 * - DECRC takes back flags that belong to what DECSC does not save, underline style and link: a link that was closed is
 *   open again, an open one is not, depending on what came before.
 * - Scrolling, inserting, deleting, tabbing and repeating are done as often as a program says, up to 2 147 483 647 times:
 *   thirteen bytes of output would stop every window for minutes. Beyond the screen more of it changes nothing.
 * - Links: see terminal-links.ts. What a cell holds: see terminal-cells.ts.
 */

import { boundCells } from './terminal-cells.ts';
import { boundLinks } from './terminal-links.ts';

type Parameters = readonly (number | number[])[];
type Identifier = { prefix?: string; intermediates?: string; final: string };

/** The part of xterm's Terminal that is needed, in the browser and headless. */
export type RepairableTerminal = {
  readonly parser: {
    registerCsiHandler(id: Identifier, handler: (parameters: (number | number[])[]) => boolean): unknown;
    registerEscHandler(id: Identifier, handler: () => boolean): unknown;
  };
};

type Line = { isWrapped: boolean };
type Attributes = { fg: number; bg: number };
type Buffer = {
  x: number;
  y: number;
  ybase: number;
  savedY: number;
  savedCurAttrData: Attributes;
  lines: { get(index: number): Line | undefined };
};
type Extended = { underlineStyle: number; readonly _ext: number; readonly _urlId: number; clone(): Extended };

type RepeatedName =
  | 'scrollUp'
  | 'scrollDown'
  | 'insertLines'
  | 'deleteLines'
  | 'cursorForwardTab'
  | 'cursorBackwardTab'
  | 'repeatPrecedingCharacter';
const rows = ({ rows: most }: Core) => most;
const cols = ({ cols: most }: Core) => most;
/** By the last byte of their sequences. */
const REPEATED: Record<string, { name: RepeatedName; most: (core: Core) => number }> = {
  S: { name: 'scrollUp', most: rows },
  T: { name: 'scrollDown', most: rows },
  L: { name: 'insertLines', most: rows },
  M: { name: 'deleteLines', most: rows },
  I: { name: 'cursorForwardTab', most: cols },
  Z: { name: 'cursorBackwardTab', most: cols },
  b: { name: 'repeatPrecedingCharacter', most: (core) => core.cols * core.rows },
};

type Core = {
  readonly cols: number;
  readonly rows: number;
  readonly buffers: { readonly active: Buffer; readonly normal: Buffer; readonly alt: Buffer };
  readonly _inputHandler: Record<RepeatedName, (params: { params: number[]; length: number }) => boolean> & {
    _eraseInBufferLine(row: number, from: number, to: number, unwrap: boolean, isSelective: boolean): void;
    _resetBufferLine(row: number, isSelective: boolean): void;
    markRangeDirty(first: number, last: number): void;
    readonly _curAttrData: Attributes & { extended: Extended };
  };
};

/** Bits of xterm's buffer/Constants.ts. */
const [UNDERLINE, HAS_EXTENDED, UNDERLINE_STYLE] = [0x10000000, 0x10000000, 0x1c000000];

export class TerminalRepairs {
  readonly #core: Core;
  /** Saved row on the screen. */
  readonly #saved = new WeakMap<Buffer, number>();

  /** Throws if xterm.js is not as it has to be for this. */
  constructor(terminal: RepairableTerminal) {
    this.#core = coreOf(terminal);
    const { parser } = terminal;
    boundLinks(parser, this.#core);
    boundCells(this.#core.buffers.active.lines.get(0));
    for (const [final, { name, most }] of Object.entries(REPEATED)) {
      parser.registerCsiHandler({ final }, ([times]) => this.#bound(name, Number(times), most(this.#core)));
    }
    for (const prefix of ['', '?']) {
      const id = { ...(prefix ? { prefix } : {}), final: 'J' };
      parser.registerCsiHandler(id, ([what]) => what === 1 && this.#eraseAbove(prefix === '?'));
    }
    parser.registerEscHandler({ final: '7' }, () => this.#save());
    parser.registerCsiHandler({ final: 's' }, () => this.#save());
    parser.registerCsiHandler({ prefix: '?', final: 'h' }, (modes) => names(modes, 1048, 1049) && this.#save());
    parser.registerEscHandler({ final: '8' }, () => this.#restore(this.#core.buffers.active));
    parser.registerCsiHandler({ final: 'u' }, () => this.#restore(this.#core.buffers.active));
    parser.registerCsiHandler({ prefix: '?', final: 'l' }, (modes) => {
      const { active, normal } = this.#core.buffers;
      return names(modes, 1048, 1049) && this.#restore(names(modes, 1049) ? normal : active);
    });
    parser.registerCsiHandler({ intermediates: '!', final: 'p' }, () => {
      this.#saved.set(this.#core.buffers.active, 0);
      return false;
    });
  }

  /** Makes xterm's own saved rows right, as far as scrolling moved them. */
  settle(): void {
    const { normal, alt } = this.#core.buffers;
    for (const buffer of [normal, alt]) {
      const row = this.#saved.get(buffer);
      if (row !== undefined) buffer.savedY = buffer.ybase + row;
    }
  }

  /** Before xterm restores: it shall underline as saved, and keep the link. */
  #restore({ savedCurAttrData: saved }: Buffer): false {
    this.settle();
    const pen = this.#core._inputHandler._curAttrData;
    const isUnderlined = (saved.fg & UNDERLINE) !== 0;
    if (isUnderlined !== ((pen.extended._ext & UNDERLINE_STYLE) !== 0)) {
      // Cells refer to the object the pen had: it is replaced, not changed.
      pen.extended = pen.extended.clone();
      pen.extended.underlineStyle = isUnderlined ? 1 : 0;
    }
    if (isUnderlined || pen.extended._urlId) saved.bg |= HAS_EXTENDED;
    else saved.bg &= ~HAS_EXTENDED;
    return false;
  }

  /** True if it was done as often as it makes a difference; else it is left to xterm. */
  #bound(name: RepeatedName, times: number, most: number): boolean {
    if (!(times > most)) return false;
    this.#core._inputHandler[name]({ params: [most], length: 1 });
    return true;
  }

  #save(): false {
    const { active } = this.#core.buffers;
    this.#saved.set(active, active.y);
    return false;
  }

  /** ED 1 and DECSED 1, with the cursor in the last column; else it is left to xterm. */
  #eraseAbove(isSelective: boolean): boolean {
    const { cols, buffers, _inputHandler: input } = this.#core;
    const { x, y, ybase, lines } = buffers.active;
    if (x + 1 < cols) return false;
    for (let row = 0; row < y; row++) input._resetBufferLine(row, isSelective);
    input._eraseInBufferLine(y, 0, cols, true, isSelective);
    const next = lines.get(ybase + y + 1);
    if (next) next.isWrapped = false;
    input.markRangeDirty(0, y);
    return true;
  }
}

const names = (parameters: Parameters, ...modes: number[]) => parameters.some((parameter) => modes.includes(Number(parameter)));

function coreOf(terminal: object): Core {
  const core: unknown = Reflect.get(terminal, '_core');
  const input: unknown = typeof core === 'object' && core ? Reflect.get(core, '_inputHandler') : null;
  for (const name of ['_eraseInBufferLine', '_resetBufferLine', 'markRangeDirty', ...Object.values(REPEATED).map((each) => each.name)]) {
    if (typeof input !== 'object' || !input || typeof Reflect.get(input, name) !== 'function') {
      throw new Error(
        `xterm.js is not as cmdop knows it (6.0.0): it has no ${name}; pin it to 6.0.0 or adapt main/session/terminal-repairs.ts`,
      );
    }
  }
  return core as Core;
}
