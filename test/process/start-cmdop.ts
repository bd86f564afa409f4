/** A cmdop of its own for a test: fresh folders, the built command line, real terminals; `dispose` stops its host and removes all. */
import { type ChildProcessByStdio, spawn as spawnProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { nodePath } from '#local/runtime.ts';
import type { SessionSummary } from '#protocol/shapes.ts';
import { endEverythingOf } from './end-everything.ts';
import { openTerminal, type TestTerminal } from './test-terminal.ts';

/** The built command line where there is one, else its source. */
const CLI = [resolve('dist/cmdop.mjs'), resolve('main/cli/main.ts')].find((path) => existsSync(path)) ?? 'dist/cmdop.mjs';

export type Outcome = { code: number; stdout: string; stderr: string };

export type TestCmdop = {
  /** The CMDOP_HOME; also the home folder of sessions, so that no one's own settings matter. */
  readonly home: string;
  readonly env: Record<string, string>;
  /** Runs `cmdop …` without a terminal to its end. */
  run(...args: string[]): Promise<Outcome>;
  /** As `run`, and lets it run. */
  start(...args: string[]): ChildProcessByStdio<null, Readable, Readable>;
  /** As `run`; throws unless it exits with 0. */
  ok(...args: string[]): Promise<string>;
  /** Parsed stdout of `cmdop … --json`. */
  json<T>(...args: string[]): Promise<T>;
  /** The host announces what changes; a script can only look again, as these two do. */
  untilSession(name: string, fits: (session: SessionSummary) => boolean): Promise<SessionSummary>;
  untilEnded(name: string): Promise<SessionSummary>;
  /** Runs `cmdop …` in a terminal of its own. */
  terminal(args: readonly string[], options?: { cols?: number; rows?: number; env?: Record<string, string> }): TestTerminal;
  /** A shell outside of any session, with `cmdop` on its path and the prompt `# `. */
  shell(): TestTerminal;
  /** Pid of the host that runs now. */
  hostPid(): Promise<number>;
  dispose(): Promise<void>;
};

export async function startCmdop(options: { actor?: string; shell?: string } = {}): Promise<TestCmdop> {
  // Short, since the path of a unix socket may have about 100 bytes.
  const home = mkdtempSync(join(tmpdir(), 'cmdop-t-'));
  chmodSync(home, 0o700);
  mkdirSync(join(home, 'work'));
  // A login shell's profile may set the path anew.
  writeFileSync(join(home, '.bashrc'), `PS1='$ '\nPATH=${join(home, 'bin')}:$PATH\n`);
  writeFileSync(join(home, '.bash_profile'), '. ~/.bashrc\n');
  writeFileSync(join(home, '.zshrc'), "PROMPT='%% '\n");
  mkdirSync(join(home, 'bin'));
  writeFileSync(join(home, 'bin', 'cmdop'), `#!/bin/sh\nexec '${nodePath()}' '${CLI}' "$@"\n`, { mode: 0o755 });
  const env: Record<string, string> = {
    PATH: `${join(home, 'bin')}:${process.env.PATH ?? '/usr/bin:/bin'}`,
    HOME: home,
    CMDOP_HOME: home,
    CMDOP_NODE: nodePath(),
    CMDOP_ACTOR: options.actor ?? 'tester',
    SHELL: options.shell ?? '/bin/bash',
    LANG: 'C.UTF-8',
    TERM: 'xterm-256color',
    ...(process.env.USER ? { USER: process.env.USER } : {}),
  };
  const terminals: TestTerminal[] = [];

  const start = (...args: string[]) =>
    spawnProcess(nodePath(), [CLI, ...args], { env, cwd: join(home, 'work'), stdio: ['ignore', 'pipe', 'pipe'] });

  const run = async (...args: string[]): Promise<Outcome> => {
    const child = start(...args);
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const [code]: [number | null] = (await once(child, 'close')) as [number | null];
    return { code: code ?? -1, stdout, stderr };
  };

  const ok = async (...args: string[]): Promise<string> => {
    const outcome = await run(...args);
    if (outcome.code === 0) return outcome.stdout;
    throw new Error(`cmdop ${args.join(' ')} exited with ${outcome.code}: ${outcome.stderr}${outcome.stdout}`);
  };

  const json = async <T>(...args: string[]): Promise<T> => JSON.parse(await ok(...args, '--json')) as T;

  const untilSession = async (name: string, fits: (session: SessionSummary) => boolean): Promise<SessionSummary> => {
    for (;;) {
      const session = (await json<SessionSummary[]>('ls')).find((each) => each.name === name);
      if (session && fits(session)) return session;
    }
  };

  const open = (command: readonly string[], at: { cols?: number; rows?: number; env?: Record<string, string> } = {}) => {
    const terminal = openTerminal(command, {
      cols: at.cols ?? 80,
      rows: at.rows ?? 24,
      cwd: join(home, 'work'),
      env: { ...env, ...at.env },
    });
    terminals.push(terminal);
    return terminal;
  };

  return {
    home,
    env,
    start,
    run,
    ok,
    json,
    untilSession,
    untilEnded: (name) => untilSession(name, ({ state }) => state === 'ended'),
    terminal: (args, at) => open([nodePath(), CLI, ...args], at),
    shell: () => open(['/bin/bash', '--norc', '--noprofile', '-i'], { env: { PS1: '# ' } }),
    hostPid: async () => (await json<{ pid: number }>('host', 'status')).pid,
    dispose: async () => {
      for (const terminal of terminals) terminal.dispose();
      endEverythingOf(home);
      rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
    },
  };
}
