/** tmux, dtach and no multiplexer at all, each seen through a PTY as their users see them. */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPty } from '../../main/keeper/pty.ts';
import { type BenchSession, eventually, type Peer, SIZE, type View, Watch } from './peer.ts';
import { isAlive, kill } from './processes.ts';

/** What the programs get, the same for all. */
export const ENVIRONMENT: Record<string, string> = {
  PATH: process.env.PATH ?? '/usr/bin:/bin',
  HOME: '/nonexistent',
  TERM: 'xterm-256color',
  LANG: 'C.UTF-8',
};

type PtyView = View & { readonly pid: number; readonly exited: Promise<void> };

/** Runs a command in a PTY of this process. */
export function openView(command: readonly string[], listener: (bytes: Uint8Array) => void, env = ENVIRONMENT): PtyView {
  const [file = '', ...args] = command;
  let hasEnded: () => void = () => {};
  const exited = new Promise<void>((resolve) => {
    hasEnded = resolve;
  });
  const pty = openPty({ file, args, env, cwd: '/', ...SIZE }, { output: listener, ending: () => {}, exited: hasEnded });
  return {
    pid: pty.pid,
    exited,
    type: (text) => pty.write({ bytes: Buffer.from(text), unit: null, written: () => {} }),
    skippedBytes: () => 0,
    detach: async () => {
      kill(pty.pid);
      await exited;
    },
  };
}

/** Says so when it is there, and becomes the command after it when it gets a line. */
const WAITING = ['/bin/sh', '-c', 'echo waiting; read -r line; exec "$@"', 'sh'];

/**
 * Milliseconds until a command shows a text. The fork is over before they count: it takes as long as this process is large (6 ms,
 * or 36 beside 400 MB of a flood), which says nothing of the command.
 */
export async function untilShown(command: readonly string[], text: string, env = ENVIRONMENT): Promise<{ ms: number; view: PtyView }> {
  const watch = new Watch();
  const isWaiting = watch.until('waiting');
  const view = openView([...WAITING, ...command], watch.received, env);
  await isWaiting;
  const isShown = watch.until(text);
  const startedAt = performance.now();
  view.type('\r');
  await isShown;
  return { ms: performance.now() - startedAt, view };
}

/** The program in a PTY of the bench: what no relay can beat. */
export class BarePeer implements Peer {
  readonly name = 'bare PTY';
  readonly #views = new Set<PtyView>();

  async start(script: string): Promise<BenchSession> {
    return {
      attach: async (listener) => {
        const view = openView(['/bin/sh', '-c', script], listener);
        this.#views.add(view);
        return view;
      },
      relayPids: async () => [],
      end: () => this.dispose(),
    };
  }

  async dispose(): Promise<void> {
    for (const view of this.#views) await view.detach();
    this.#views.clear();
  }
}

/** No status line, since it is drawn on a clock; as much history as the others keep; one server for the whole run. */
const TMUX_SETTINGS = 'set -g exit-empty off\nset -g status off\nset -g history-limit 20000\nset -g default-terminal "xterm-256color"\n';

export class TmuxPeer implements Peer {
  readonly name = 'tmux';
  readonly #folder = mkdtempSync(join(tmpdir(), 'cmdop-b-tmux-'));
  readonly #command: readonly string[];
  /** One, as a rule: under load a second one was seen to take its place, and was left behind. */
  readonly #serverPids = new Set<number>();
  #sessions = 0;

  constructor() {
    const settings = join(this.#folder, 'tmux.conf');
    writeFileSync(settings, TMUX_SETTINGS);
    this.#command = ['/usr/bin/tmux', '-S', join(this.#folder, 'socket'), '-f', settings];
  }

  /** The command that makes a session with `script` and attaches to it. */
  newSessionCommand(script: string): string[] {
    return [...this.#command, 'new-session', '-s', this.#newName(), script];
  }

  async start(script: string): Promise<BenchSession & { readonly attachCommand: readonly string[] }> {
    const name = this.#newName();
    this.#run('new-session', '-d', '-s', name, '-x', String(SIZE.cols), '-y', String(SIZE.rows), script);
    const serverPid = Number(this.#run('display-message', '-p', '#{pid}'));
    this.#serverPids.add(serverPid);
    const views = new Set<PtyView>();
    const attachCommand = [...this.#command, 'attach-session', '-t', name];
    return {
      attachCommand,
      attach: async (listener) => {
        const view = openView(attachCommand, listener);
        views.add(view);
        return { ...view, detach: () => this.#detach(view, views) };
      },
      relayPids: async () => [serverPid, ...[...views].map(({ pid }) => pid)],
      end: async () => {
        for (const view of views) await this.#detach(view, views);
        this.#run('kill-session', '-t', name);
      },
    };
  }

  async dispose(): Promise<void> {
    for (const pid of this.#serverPids) {
      kill(pid, 'SIGTERM');
      await eventually('the end of tmux', () => !isAlive(pid));
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #detach(view: PtyView, views: Set<PtyView>): Promise<void> {
    views.delete(view);
    await view.detach();
  }

  #newName(): string {
    return `s${this.#sessions++}`;
  }

  #run(...args: string[]): string {
    const [file = '', ...first] = this.#command;
    return execFileSync(file, [...first, ...args], { env: ENVIRONMENT, encoding: 'utf8' });
  }
}

export class DtachPeer implements Peer {
  readonly name = 'dtach';
  readonly #folder = mkdtempSync(join(tmpdir(), 'cmdop-b-dtach-'));
  readonly #masters = new Set<number>();
  #sessions = 0;

  /** The command that makes a session with `script` and attaches to it. */
  newSessionCommand(script: string): string[] {
    return ['/usr/bin/dtach', '-c', this.#newSocket(), '-E', '-z', '/bin/sh', '-c', script];
  }

  async start(script: string): Promise<BenchSession> {
    const socket = this.#newSocket();
    // -N: the master stays our child, so that its pid is known.
    const master = spawn('/usr/bin/dtach', ['-N', socket, '-E', '-z', '/bin/sh', '-c', script], { env: ENVIRONMENT, stdio: 'ignore' });
    const pid = master.pid ?? 0;
    this.#masters.add(pid);
    await eventually('the start of dtach', () => existsSync(socket));
    const views = new Set<PtyView>();
    return {
      attach: async (listener) => {
        const view = openView(['/usr/bin/dtach', '-a', socket, '-E', '-z', '-r', 'none'], listener);
        views.add(view);
        return view;
      },
      relayPids: async () => [pid, ...[...views].map((view) => view.pid)],
      end: async () => {
        for (const view of views) await view.detach();
        kill(pid);
        this.#masters.delete(pid);
      },
    };
  }

  async dispose(): Promise<void> {
    for (const pid of this.#masters) kill(pid);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #newSocket(): string {
    return join(this.#folder, `${this.#sessions++}.sock`);
  }
}
