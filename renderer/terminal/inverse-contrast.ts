/**
 * Inverse text in the DOM: where a least contrast is wanted, xterm.js 6.0 takes the foreground for what is drawn on the inverse,
 * which makes that grey, and dark on a colour. It is the background.
 */
import type { Terminal } from '@xterm/xterm';

type Color = { readonly rgba: number };
type Cell = { isInverse(): number };
type Apply = (this: RowFactory, element: HTMLElement, on: Color, color: Color, cell: Cell, ...overrides: unknown[]) => boolean;
/** Draws rows in the DOM; all terminals' are of one class. */
type RowFactory = {
  _themeService?: { colors: { foreground: Color; background: Color } };
  _applyMinimumContrast?: Apply;
};
type Internals = { _core?: { _renderService?: { _renderer?: { value?: { _rowFactory?: RowFactory } } } } };

let isCorrected = false;

/** `terminal`: one that has just been opened, so that it is drawn in the DOM. Without effect where xterm.js is made otherwise. */
export function correctInverse(terminal: Terminal): void {
  const factory = (terminal as unknown as Internals)._core?._renderService?._renderer?.value?._rowFactory;
  const shared = factory && (Object.getPrototypeOf(factory) as RowFactory);
  const apply = shared?._applyMinimumContrast;
  if (isCorrected || !shared || !apply) return;
  isCorrected = true;
  shared._applyMinimumContrast = function (element, on, color, cell, ...overrides) {
    const { foreground, background } = this._themeService?.colors ?? {};
    const shown = background && color === foreground && cell.isInverse() ? background : color;
    return apply.call(this, element, on, shown, cell, ...overrides);
  };
}
