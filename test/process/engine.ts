/** A host of its own for a test, and real clients on it through the client engine: what they received, byte by byte. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { AttachOptions, ClientOptions } from '#client/client-options.ts';
import { CmdopClient } from '#client/cmdop-client.ts';
import type { ConnectionEvent } from '#client/connection.ts';
import type { SessionStream } from '#client/session-stream.ts';
import { TerminalFeed } from '#client/terminal-feed.ts';
import { systemClock } from '#local/clock.ts';
import { connectToHost } from '#local/host-connection.ts';
import { connectToKeeper } from '#local/keeper-connection.ts';
import { localPaths } from '#local/paths.ts';
import { nodePath } from '#local/runtime.ts';
import type { Approval } from '#protocol/approvals.ts';
import { newClientId } from '#protocol/ids.ts';
import type { EventParams } from '#protocol/messages.ts';
import type { CommandRecord, SessionEnd, SessionSummary, Size } from '#protocol/shapes.ts';
import { newTerminal, type TestTerminal } from '../contract/terminals.ts';
import { endEverythingOf } from './end-everything.ts';

const HOST = [resolve('dist/host.mjs'), resolve('main/host/main.ts')].find((path) => existsSync(path)) ?? 'dist/host.mjs';

/** A session as one client sees it. */
export type Watched = {
  readonly stream: SessionStream;
  readonly view: TestTerminal;
  /** Received output, and where it begins; a gap or snapshot begins it anew. */
  readonly received: { from: number; bytes: Uint8Array[]; length: number };
  readonly gaps: { from: number; to: number }[];
  readonly refusals: string[];
  /** Who asked for control, and why. */
  readonly requests: string[];
  /** Why the host had nothing to attach to yet. */
  readonly waits: string[];
  end: SessionEnd | null;
  text(): string;
  type(text: string): ReturnType<SessionStream['type']>;
  /** Resolves when the screen and what is above it contain `text`. */
  until(text: string | RegExp | (() => boolean)): Promise<void>;
};

export type Person = {
  readonly client: CmdopClient;
  /** How often typing was delegated to it so far. */
  straight: number;
  readonly commands: CommandRecord[];
  /** As they were told, each state on its own. */
  readonly approvals: Approval[];
  readonly typing: EventParams<'actor.typing'>[];
  /** Who else hears what the host tells. */
  readonly hearers: ((event: ConnectionEvent) => void)[];
  sessions: SessionSummary[];
  warnings: string[];
  attach(session: string, options?: AttachOptions): Watched;
  /** Resolves at the next event after which `condition` holds. */
  until(condition: () => boolean): Promise<void>;
};

export type Engine = {
  readonly home: string;
  readonly env: Record<string, string>;
  /** Starts the host; resolves with what it said first. */
  startHost(): Promise<string>;
  readonly host: ChildProcess | null;
  /** kill -9, and waits until it is gone. */
  killHost(): Promise<void>;
  /** `connect`: another way in than the owner's socket. */
  person(name: string, options?: { reconnect?: boolean; kind?: 'human' | 'agent'; connect?: ClientOptions['connect'] }): Person;
  /** Writes the policy file; without a text agents may do everything. Before the host starts, or while it runs. */
  policy(text?: string): void;
  dispose(): Promise<void>;
};

export function openEngine(): Engine {
  const home = mkdtempSync(join(tmpdir(), 'cmdop-e-'));
  const env: Record<string, string> = {
    PATH: process.env.PATH ?? '',
    HOME: home,
    CMDOP_HOME: home,
    CMDOP_NODE: nodePath(),
    SHELL: '/bin/bash',
    LANG: 'C.UTF-8',
  };
  const paths = localPaths({ ...env });
  const clients: CmdopClient[] = [];
  let host: ChildProcess | null = null;

  const engine: Engine = {
    home,
    env,
    get host() {
      return host;
    },
    startHost: () =>
      new Promise((said) => {
        const child = spawn(nodePath(), [HOST], { env, stdio: ['ignore', 'pipe', 'inherit'], detached: true });
        host = child;
        child.stdout.once('data', (bytes: Buffer) => said(bytes.toString().trim()));
        child.once('exit', (code) => said(`exited with ${code}`));
      }),
    killHost: () =>
      new Promise((gone) => {
        if (!host || host.exitCode !== null || host.signalCode !== null) return gone();
        host.once('exit', () => gone());
        host.kill('SIGKILL');
      }),
    person: (name, { kind = 'human', ...options } = {}) => {
      const watchers = new Set<() => void>();
      const changed = () => {
        for (const watcher of [...watchers]) watcher();
      };
      const person: Person = {
        client: new CmdopClient({
          identity: { id: newClientId((n) => randomBytes(n)), interface: kind === 'agent' ? 'mcp' : 'cli', kind, name, build: 'test' },
          connect: () => connectToHost({ start: false, paths }),
          openKeeper: async (socket) => {
            const keeper = await connectToKeeper(socket);
            person.straight++;
            queueMicrotask(() => queueMicrotask(changed)); // once it is used
            return keeper;
          },
          clock: systemClock,
          random: Math.random,
          watch: true,
          ...options,
          onState: changed,
          onWatch: ({ sessions }) => {
            person.sessions = sessions;
            changed();
          },
          onEvent: (event) => {
            if (event.event === 'command.changed') person.commands.push(event.params.command);
            if (event.event === 'actor.typing') person.typing.push(event.params);
            if (event.event === 'host.warnings') person.warnings = event.params.warnings;
            if (event.event === 'approval.changed') person.approvals.push(event.params.approval);
            if (event.event === 'session.changed') {
              const { session } = event.params;
              const isKnown = person.sessions.some(({ id }) => id === session.id);
              person.sessions = isKnown
                ? person.sessions.map((each) => (each.id === session.id ? session : each))
                : [...person.sessions, session];
            }
            for (const hearer of person.hearers) hearer(event);
            changed();
          },
        }),
        straight: 0,
        hearers: [],
        commands: [],
        approvals: [],
        typing: [],
        sessions: [],
        warnings: [],
        attach: (session, attach) =>
          watch(person.client, { session, attach: attach ?? {}, changed, until: (condition) => until(watchers, condition) }),
        until: (condition) => until(watchers, condition),
      };
      clients.push(person.client);
      return person;
    },
    policy: (text = '{ "default": { "agents": "allow" } }') => {
      mkdirSync(dirname(paths.policyFile), { recursive: true });
      writeFileSync(paths.policyFile, text);
    },
    dispose: async () => {
      for (const client of clients) client.close();
      endEverythingOf(home);
      rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
    },
  };
  return engine;
}

function watch(
  client: CmdopClient,
  options: { session: string; attach: AttachOptions; changed: () => void; until: (condition: () => boolean) => Promise<void> },
): Watched {
  const { changed } = options;
  const view = newTerminal(options.attach.size ?? { cols: 80, rows: 24 }, { scrollback: 20_000 });
  const feed = new TerminalFeed(view.terminal);
  view.terminal.onResize(changed); // after what was parsed before it, and perhaps the last to happen
  const received = { from: 0, bytes: [] as Uint8Array[], length: 0 };
  const gaps: Watched['gaps'] = [];
  const refusals: string[] = [];
  const requests: string[] = [];
  const waits: string[] = [];
  const stream = client.attach(
    options.session,
    {
      snapshot: (text, size: Size, parsed) => {
        received.from = stream.offset;
        received.bytes = [];
        received.length = 0;
        feed.snapshot(text, size, () => {
          parsed();
          changed();
        });
      },
      output: (bytes, parsed) => {
        received.bytes.push(bytes.slice());
        received.length += bytes.length;
        feed.output(bytes, () => {
          parsed();
          changed();
        });
      },
      resized: (size) => feed.resized(size),
      gap: (gap) => gaps.push(gap),
      refused: ({ message }) => refusals.push(message),
      changed: () => {
        const waiting = stream?.waiting ?? null;
        if (waiting !== null && waiting !== waits.at(-1)) waits.push(waiting);
        changed();
      },
      ended: (end) => {
        watched.end = end;
        changed();
      },
      failed: (error) => {
        refusals.push(error.message);
        changed();
      },
      requested: ({ by, reason }) => {
        requests.push(`${by.name}: ${reason}`);
        changed();
      },
    },
    options.attach,
  );
  const text = () => {
    const buffer = view.terminal.buffer.active;
    return Array.from({ length: buffer.length }, (_, row) => buffer.getLine(row)?.translateToString(true) ?? '').join('\n');
  };
  const watched: Watched = {
    stream,
    view,
    received,
    gaps,
    refusals,
    requests,
    waits,
    end: null,
    text,
    type: (typed) => stream.type(new TextEncoder().encode(typed)),
    until: (wanted) => {
      if (typeof wanted === 'function') return options.until(wanted);
      return options.until(() => (typeof wanted === 'string' ? text().includes(wanted) : wanted.test(text())));
    },
  };
  return watched;
}

function until(watchers: Set<() => void>, condition: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (!condition()) return;
      watchers.delete(look);
      resolve();
    };
    watchers.add(look);
    look();
  });
}
