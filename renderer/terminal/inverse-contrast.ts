/**
 * Inverse text in the DOM: xterm.js 6.0 gives it the contrast of the foreground on itself where a least contrast is wanted,
 * and so makes it grey, and text on an inverse colour dark. What is drawn on the inverse is the background.
 */
import type { Terminal } from '@xterm/xterm';

type Color = { readonly rgba: number };
type Cell = { isInverse(): number };
type RowFactory = {
  _themeService?: { colors: { foreground: Color; background: Color } };
  _applyMinimumContrast?: (element: HTMLElement, on: Color, color: Color, cell: Cell, onOverride?: Color, override?: Color) => boolean;
};
type Internals = { _core?: { _renderService?: { _renderer?: { value?: { _rowFactory?: RowFactory } } } } };

/** For a terminal that has been opened, and is drawn in the DOM. */
export function correctInverse(terminal: Terminal): void {
  const factory = (terminal as unknown as Internals)._core?._renderService?._renderer?.value?._rowFactory;
  const theme = factory?._themeService;
  const apply = factory?._applyMinimumContrast;
  if (!factory || !theme || !apply) return;
  factory._applyMinimumContrast = (element, on, color, cell, onOverride, override) => {
    const { foreground, background } = theme.colors;
    return apply.call(factory, element, on, color === foreground && cell.isInverse() ? background : color, cell, onOverride, override);
  };
}
