// What the page finds around it that TypeScript cannot see: the desktop app's interface.
import type { Terminal } from '@xterm/xterm';
import type { DesktopApi } from '../preload/api.ts';

declare global {
  interface Window {
    readonly cmdop?: DesktopApi;
  }
  interface HTMLElement {
    /** On `[data-testid=terminal]`: the live terminal, for tests and assistive scripts to read; nobody writes through it. */
    cmdopTerminal?: Terminal;
  }
}
