/** Headless terminals as cmdop makes them, for tests. */
import { Unicode11Addon } from '@xterm/addon-unicode11';
import headless from '@xterm/headless';
import { TerminalRepairs } from '../../main/session/terminal-repairs.ts';

export type TestTerminal = {
  readonly terminal: InstanceType<typeof headless.Terminal>;
  readonly repairs: TerminalRepairs;
  write(bytes: Uint8Array | string): void;
};

/** A terminal as a client has it, written to at once. */
export function newTerminal(size: { cols: number; rows: number }, { scrollback = 1000 } = {}): TestTerminal {
  const terminal = new headless.Terminal({
    ...size,
    scrollback,
    allowProposedApi: true,
    logLevel: 'off',
    windowOptions: { pushTitle: true, popTitle: true },
  });
  terminal.loadAddon(new Unicode11Addon());
  terminal.unicode.activeVersion = '11';
  const repairs = new TerminalRepairs(terminal);
  const input = Reflect.get(Reflect.get(terminal, '_core'), '_inputHandler');
  return {
    terminal,
    repairs,
    write: (bytes) => input.parse(typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes),
  };
}
