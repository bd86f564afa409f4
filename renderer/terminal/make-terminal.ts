/** Makes an xterm terminal as this window wants it: font, colours, Unicode 11, links, search, and no answers to queries. */
import { SearchAddon } from '@xterm/addon-search';
import { Unicode11Addon } from '@xterm/addon-unicode11';
import { WebLinksAddon } from '@xterm/addon-web-links';
import { Terminal } from '@xterm/xterm';
import { guardQueries } from '#client/query-guard.ts';
import { TerminalRepairs } from '#session/terminal-repairs.ts';
import { MINIMUM_CONTRAST, type Scheme, TERMINAL_FONT, TERMINAL_THEMES } from './themes.ts';

/** Lines kept above the screen, and asked for at attach. */
export const SCROLLBACK_LINES = 10_000;

export type Appearance = { scheme: Scheme; fontSize: number };

export function makeTerminal(
  { scheme, fontSize }: Appearance,
  openLink: (url: string) => void,
): { terminal: Terminal; search: SearchAddon } {
  const activate = (event: MouseEvent, url: string) => {
    if ((event.ctrlKey || event.metaKey) && /^https?:\/\//i.test(url)) openLink(url);
  };
  const say = (title: string) => {
    if (terminal.element) terminal.element.title = title;
  };
  const hover = (_: MouseEvent, url: string) => say(`${url}\nCtrl+click or Cmd+click to open`);
  const leave = () => say('');
  const terminal = new Terminal({
    allowProposedApi: true, // search counts and Unicode 11
    fontFamily: TERMINAL_FONT,
    fontSize,
    lineHeight: 1.15,
    scrollback: SCROLLBACK_LINES,
    theme: TERMINAL_THEMES[scheme],
    minimumContrastRatio: MINIMUM_CONTRAST[scheme],
    cursorInactiveStyle: 'outline',
    macOptionIsMeta: true,
    linkHandler: { activate, hover, leave },
  });
  const search = new SearchAddon();
  guardQueries(terminal.parser);
  new TerminalRepairs(terminal);
  terminal.loadAddon(new Unicode11Addon());
  terminal.unicode.activeVersion = '11';
  terminal.loadAddon(new WebLinksAddon(activate, { hover, leave }));
  terminal.loadAddon(search);
  return { terminal, search };
}

export function setAppearance({ options }: Terminal, { scheme, fontSize }: Appearance): void {
  options.theme = TERMINAL_THEMES[scheme];
  options.minimumContrastRatio = MINIMUM_CONTRAST[scheme];
  options.fontSize = fontSize;
}
