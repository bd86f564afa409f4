/** A program in a real PTY, with a headless terminal that shows what a person would see and answers as a real one does. */
import xterm from '@xterm/headless';
import { type IPty, spawn } from 'node-pty';

/** How long a test waits for the screen, milliseconds: generous, for machines that do much else. */
const PATIENCE_MS = 15_000;

export type TestTerminal = {
  /** The rows on the screen, without trailing blanks. */
  lines(): string[];
  text(): string;
  /** Everything the program printed, raw. */
  raw(): string;
  /** Sends keys as a keyboard would. */
  type(keys: string): void;
  resize(cols: number, rows: number): void;
  signal(name: string): void;
  /** Resolves when the screen fits: a part of its text, an expression, or a condition of its rows. */
  until(expected: string | RegExp | ((lines: string[]) => boolean)): Promise<void>;
  /** The exit code, once the program has ended and all its output is on the screen. */
  exited: Promise<{ code: number; signal: number }>;
  readonly pid: number;
  readonly terminal: xterm.Terminal;
  dispose(): void;
};

export type TerminalOptions = { cols: number; rows: number; cwd: string; env: Record<string, string> };

export function openTerminal(command: readonly string[], options: TerminalOptions): TestTerminal {
  const [program = '', ...args] = command;
  const pty: IPty = spawn(program, args, { name: 'xterm-256color', ...options });
  const terminal = new xterm.Terminal({ cols: options.cols, rows: options.rows, scrollback: 1000, allowProposedApi: true });
  let raw = '';
  let hasEnded = false;
  const watchers = new Set<() => void>();
  const changed = () => {
    for (const watcher of [...watchers]) watcher();
  };
  pty.onData((text) => {
    raw += text;
    terminal.write(text, changed);
  });
  terminal.onData((answer) => {
    if (!hasEnded) pty.write(answer); // answers to queries, as a real terminal gives
  });
  const exited = new Promise<{ code: number; signal: number }>((resolve) => {
    pty.onExit(({ exitCode, signal }) => {
      hasEnded = true;
      terminal.write('', () => {
        changed();
        resolve({ code: exitCode, signal: signal ?? 0 });
      });
    });
  });

  const lines = () =>
    Array.from({ length: terminal.rows }, (_, row) => terminal.buffer.active.getLine(terminal.buffer.active.viewportY + row)).map(
      (line) => line?.translateToString(true) ?? '',
    );
  const text = () => lines().join('\n').trimEnd();

  return {
    lines,
    text,
    raw: () => raw,
    type: (keys) => pty.write(keys),
    resize: (cols, rows) => {
      terminal.resize(cols, rows);
      pty.resize(cols, rows);
    },
    signal: (name) => pty.kill(name),
    until: (expected) => {
      const fits = () => {
        if (typeof expected === 'function') return expected(lines());
        return typeof expected === 'string' ? text().includes(expected) : expected.test(text());
      };
      return new Promise((resolve, reject) => {
        const settle = (finish: () => void) => {
          watchers.delete(look);
          clearTimeout(timer);
          finish();
        };
        const look = () => {
          if (fits()) settle(resolve);
          else if (hasEnded) queueMicrotask(() => settle(() => (fits() ? resolve() : reject(failure('the program ended')))));
        };
        const failure = (why: string) => new Error(`${why}, and the screen never showed ${expected}; it shows:\n${text()}`);
        const timer = setTimeout(() => settle(() => reject(failure(`${PATIENCE_MS / 1000} s passed`))), PATIENCE_MS);
        watchers.add(look);
        look();
      });
    },
    exited,
    pid: pty.pid,
    terminal,
    dispose: () => {
      if (!hasEnded) pty.kill('SIGKILL');
      terminal.dispose();
    },
  };
}
