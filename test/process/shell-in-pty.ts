/** A real shell in a real PTY, started through prepareLaunch, whose marks and screen a test can wait for. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type IPty, spawn } from 'node-pty';
import type { Offset, SessionId } from '#protocol/ids.ts';
import { type Launch, prepareLaunch, removeLaunchFiles } from '../../main/host/keepers/shell-launch.ts';
import { type ParsedMark, parseMark } from '../../main/session/shell-marks.ts';
import { type Osc, VtScanner } from '../../main/session/vt-scanner.ts';

export const SHELL_DIR = join(import.meta.dirname, '../../main/host/shell');

/** A shell that hangs fails the test instead of the run, ms. */
const PATIENCE_MS = 8_000;

export type SeenMark = ParsedMark & { readonly osc: Osc };

export type ShellOptions = {
  readonly shell: string;
  /** Path below HOME → content. */
  readonly home?: Record<string, string>;
  readonly command?: string[];
  readonly hostEnv?: Record<string, string>;
  readonly clientEnv?: Record<string, string>;
  readonly shellDir?: string;
  /** False where the shell is told to expand nothing in prompts. */
  readonly marksPromptEnd?: boolean;
};

export class ShellInPty {
  readonly launch: Launch;
  readonly folder: string;
  readonly home: string;
  readonly marks: SeenMark[] = [];
  output = '';
  exitCode: number | null = null;
  readonly pty: IPty;
  readonly #waiting = new Set<() => void>();
  readonly #marksPromptEnd: boolean;

  constructor(options: ShellOptions) {
    this.#marksPromptEnd = options.marksPromptEnd ?? true;
    this.folder = mkdtempSync(join(tmpdir(), 'cmdop-shell-'));
    this.home = join(this.folder, 'home');
    const runDir = join(this.folder, 'run');
    mkdirSync(this.home);
    mkdirSync(runDir, { mode: 0o700 });
    for (const [path, content] of Object.entries(options.home ?? {})) {
      const file = join(this.home, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content.replaceAll('%HOME%', this.home));
    }
    const prepare = () =>
      prepareLaunch({
        session: 'testsession' as SessionId,
        command: options.command ?? null,
        cwd: this.home,
        env: options.clientEnv ?? {},
        hostEnv: { PATH: process.env.PATH ?? '', LANG: 'C.UTF-8', ...options.hostEnv, HOME: this.home },
        runDir,
        shellDir: options.shellDir ?? SHELL_DIR,
        userShell: options.shell,
        version: '1.2.3',
      });
    try {
      this.launch = prepare();
    } catch (error) {
      rmSync(this.folder, { recursive: true });
      throw error;
    }
    const scanner = new VtScanner({
      offset: 0 as Offset,
      onOsc: (osc) => {
        const parsed = parseMark(osc.code, osc.payload);
        if (parsed) this.marks.push({ ...parsed, osc });
      },
    });
    this.pty = spawn(this.launch.file, [...this.launch.args], {
      cwd: this.launch.cwd,
      env: this.launch.env,
      cols: 120,
      rows: 40,
      encoding: null,
    });
    // Answers what fish and others ask a terminal first; a silent one makes them wait.
    this.pty.onData((data: string | Buffer) => {
      const bytes = Buffer.from(data);
      this.output += bytes.toString('utf8');
      if (bytes.includes('\x1b[c') || bytes.includes('\x1b[0c')) this.pty.write('\x1b[?62;22c');
      if (bytes.includes('\x1b[6n')) this.pty.write('\x1b[1;1R');
      scanner.push(bytes);
      for (const check of this.#waiting) check();
    });
    this.pty.onExit(({ exitCode }) => {
      this.exitCode = exitCode;
      for (const check of this.#waiting) check();
    });
  }

  /** Marks with the session's key, seen for the first time. */
  get trusted(): SeenMark[] {
    let last = 0;
    return this.marks.filter(({ key }) => {
      if (!key || key.nonce !== this.launch.nonce || key.count <= last) return false;
      last = key.count;
      return true;
    });
  }

  /** What was printed, without escape sequences. */
  get text(): string {
    return withoutEscapes(this.output);
  }

  /** The trusted marks since mark `from`, in short: `E:ls`, `C`, `D:0`, `P:/home`, `A`. */
  short(from = 0): string[] {
    return this.trusted.slice(from).map(({ mark }) => {
      switch (mark.kind) {
        case 'prompt-start':
          return 'A';
        case 'command-line':
          return `E:${mark.text}${mark.flag ? `(${mark.flag})` : ''}`;
        case 'command-start':
          return 'C';
        case 'command-end':
          return mark.exitCode === null ? 'D' : `D:${mark.exitCode}`;
        case 'cwd':
          return `P:${mark.path.replace(this.home, '~')}`;
        default:
          return mark.kind;
      }
    });
  }

  /**
   * Resolves when `condition` holds; rejects with what was printed if it does not in time or the shell ends.
   * `again` repeats what a shell may miss, such as a signal between two system calls.
   */
  async until(what: string, condition: () => boolean, again: () => void = () => {}): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const check = () => {
      if (condition()) resolve();
      else if (this.exitCode !== null) reject(new Error(`the shell ended before ${what}:\n${this.output}`));
    };
    const timer = setTimeout(() => reject(new Error(`never ${what}; printed:\n${JSON.stringify(this.output)}`)), PATIENCE_MS);
    const repeat = setInterval(again, PATIENCE_MS / 10);
    this.#waiting.add(check);
    check();
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      clearInterval(repeat);
      this.#waiting.delete(check);
    }
  }

  /** Waits for the `count`th prompt. */
  prompts(count: number): Promise<void> {
    return this.until(`prompt ${count}`, () => {
      const prompts = this.trusted.filter(({ mark }) => mark.kind === 'prompt-start');
      const last = prompts.at(-1);
      if (prompts.length < count || !last) return false;
      return this.#marksPromptEnd
        ? this.marks.some(({ mark, osc }) => mark.kind === 'prompt-end' && osc.start > last.osc.start)
        : Buffer.byteLength(this.output) > last.osc.end;
    });
  }

  get promptCount(): number {
    return this.trusted.filter(({ mark }) => mark.kind === 'prompt-start').length;
  }

  /** Types `line` and Enter at a prompt, waits for the next one; answers the marks in short, and what was printed. */
  async run(line: string): Promise<{ marks: string[]; output: string; text: string }> {
    const prompts = this.promptCount;
    const from = this.trusted.length;
    const printed = this.output.length;
    this.pty.write(`${line}\r`);
    await this.prompts(prompts + 1);
    const output = this.output.slice(printed);
    return { marks: this.short(from), output, text: withoutEscapes(output) };
  }

  async exited(): Promise<number> {
    await this.until('exit', () => this.exitCode !== null);
    return this.exitCode ?? -1;
  }

  dispose(): void {
    if (this.exitCode === null) this.pty.kill('SIGKILL');
    removeLaunchFiles(this.launch.files);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const withoutEscapes = (output: string) => output.replaceAll(/\x1b(\][^\x07]*\x07|\[[0-?]*[ -/]*[@-~]|\(.|[=>])/g, '');
