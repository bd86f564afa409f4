/** Output of real programs in a real PTY, recorded when asked for. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawn } from 'node-pty';

export type Recording = {
  readonly output: Uint8Array;
  /** Where the size changed. */
  readonly resizes: readonly { readonly offset: number; readonly cols: number; readonly rows: number }[];
};

/** What a person does next, once what they wait for was printed. */
export type Step = { readonly until: string | RegExp; readonly type?: string; readonly resize?: { cols: number; rows: number } };

const START = { cols: 80, rows: 24 };
/** A program that prints nothing more of what was waited for, milliseconds. */
const PATIENCE_MS = 8000;

/** Runs a command, does the steps one after another, and answers all it printed until it ended or the last step was done. */
export async function record(command: readonly string[], steps: readonly Step[]): Promise<Recording> {
  const folder = mkdtempSync(join(tmpdir(), 'cmdop-recording-'));
  writeFileSync(
    join(folder, 'text'),
    Array.from({ length: 200 }, (_, line) => `line ${line}: ${'漢字 and text — '.repeat(line % 9)}`).join('\n'),
  );
  const [file = 'sh', ...args] = command;
  const pty = spawn(file, args, {
    ...START,
    cwd: folder,
    encoding: null,
    name: 'xterm-256color',
    env: { ...process.env, HOME: folder, LC_ALL: 'C.UTF-8', TMUX: '', TMUX_TMPDIR: folder },
  });
  const chunks: Buffer[] = [];
  const resizes: { offset: number; cols: number; rows: number }[] = [];
  let length = 0;
  /** Output since the last step. */
  let fresh = '';
  let changed = () => {};
  let hasEnded = false;
  // With `encoding: null` node-pty gives bytes, whatever its types say.
  pty.onData((data: unknown) => {
    const bytes = Buffer.from(data as Buffer);
    chunks.push(bytes);
    length += bytes.length;
    fresh += bytes.toString('latin1');
    changed();
  });
  pty.onExit(() => {
    hasEnded = true;
    changed();
  });
  const printed = (what: string | RegExp) =>
    new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`${command.join(' ')} did not print ${what}; it printed ${JSON.stringify(fresh.slice(-400))}`)),
        PATIENCE_MS,
      );
      changed = () => {
        const text = typeof what === 'string' ? Buffer.from(what).toString('latin1') : what;
        if (!hasEnded && (typeof text === 'string' ? !fresh.includes(text) : !text.test(fresh))) return;
        clearTimeout(timer);
        resolve();
      };
      changed();
    });
  try {
    for (const { until, type, resize } of steps) {
      await printed(until);
      fresh = '';
      if (resize) {
        resizes.push({ offset: length, ...resize });
        pty.resize(resize.cols, resize.rows);
      }
      if (type) pty.write(type);
    }
  } finally {
    if (!hasEnded) pty.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 }); // what it started may yet remove its own there
  }
  return { output: new Uint8Array(Buffer.concat(chunks)), resizes };
}
