/** The terminal's colours in light and dark; backgrounds equal `--bg-terminal` in tokens.css. */
import type { ISearchOptions } from '@xterm/addon-search';
import type { ITheme } from '@xterm/xterm';

export type Scheme = 'light' | 'dark';

export const TERMINAL_FONT = '"JetBrains Mono", ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace';

export const TERMINAL_THEMES: Readonly<Record<Scheme, ITheme>> = {
  dark: {
    background: '#101114',
    foreground: '#dcdde2',
    cursor: '#dcdde2',
    cursorAccent: '#101114',
    selectionBackground: '#3a4160',
    selectionInactiveBackground: '#2c3040',
    black: '#24262c',
    red: '#f2777a',
    green: '#8fce8a',
    yellow: '#e8c476',
    blue: '#7aa7f7',
    magenta: '#c79bf0',
    cyan: '#6fcbd3',
    white: '#c9cbd2',
    brightBlack: '#6c707c',
    brightRed: '#ff9a98',
    brightGreen: '#aee5a6',
    brightYellow: '#f6db9d',
    brightBlue: '#a0c2ff',
    brightMagenta: '#dcbcff',
    brightCyan: '#98e4ea',
    brightWhite: '#f4f5f8',
    scrollbarSliderBackground: '#ffffff1f',
    scrollbarSliderHoverBackground: '#ffffff33',
    scrollbarSliderActiveBackground: '#ffffff47',
  },
  light: {
    background: '#ffffff',
    foreground: '#24252b',
    cursor: '#24252b',
    cursorAccent: '#ffffff',
    selectionBackground: '#cdd6f6',
    selectionInactiveBackground: '#e2e5ef',
    black: '#24252b',
    red: '#c22f3a',
    green: '#2b7d36',
    yellow: '#8f6400',
    blue: '#2459c7',
    magenta: '#8c3fb8',
    cyan: '#0f7682',
    white: '#b9bbc4',
    brightBlack: '#74767f',
    brightRed: '#d8434c',
    brightGreen: '#3a9445',
    brightYellow: '#a87805',
    brightBlue: '#3d72e0',
    brightMagenta: '#a556d2',
    brightCyan: '#178d9b',
    brightWhite: '#e8e9ee',
    scrollbarSliderBackground: '#0000001f',
    scrollbarSliderHoverBackground: '#00000033',
    scrollbarSliderActiveBackground: '#00000047',
  },
};

/** Programs that assume a dark terminal stay readable on white; on dark, colours are shown exactly as asked for. */
export const MINIMUM_CONTRAST: Readonly<Record<Scheme, number>> = { dark: 1, light: 3.5 };

/** What a search marks. */
export const SEARCH_COLORS: Readonly<Record<Scheme, NonNullable<ISearchOptions['decorations']>>> = {
  dark: {
    matchBackground: '#574a1c',
    matchOverviewRuler: '#c9a227',
    activeMatchBackground: '#9a6a12',
    activeMatchBorder: '#f0b040',
    activeMatchColorOverviewRuler: '#f0b040',
  },
  light: {
    matchBackground: '#fbe9a9',
    matchOverviewRuler: '#c9a227',
    activeMatchBackground: '#ffc55c',
    activeMatchBorder: '#a86a00',
    activeMatchColorOverviewRuler: '#a86a00',
  },
};
