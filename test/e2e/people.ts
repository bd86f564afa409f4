/** Who joins a world's sessions besides its windows: people at a terminal, and clients that speak the protocol themselves. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Unicode11Addon } from '@xterm/addon-unicode11';
import xterm from '@xterm/headless';
import { CmdopClient } from '#client/cmdop-client.ts';
import { Connection, type ConnectionEvent } from '#client/connection.ts';
import type { SessionStream } from '#client/session-stream.ts';
import { TerminalFeed } from '#client/terminal-feed.ts';
import { systemClock } from '#local/clock.ts';
import { connectToHost } from '#local/host-connection.ts';
import { localPaths } from '#local/paths.ts';
import { newClientId } from '#protocol/ids.ts';
import type { CommandRecord, JournalEvent } from '#protocol/shapes.ts';
import { openTerminal, type TestTerminal } from '../process/test-terminal.ts';
import { PATIENCE_MS, projectDir, type World } from './launch.ts';

/** `cmdop …` in a terminal of its own, as a person at another terminal runs it. The caller disposes it. */
export function atTerminal(world: World, args: readonly string[], { cols = 90, rows = 26 } = {}): TestTerminal {
  const command = [process.execPath, join(projectDir, 'build', 'cmdop.mjs'), ...args];
  return openTerminal(command, { cols, rows, cwd: world.home, env: world.env });
}

/** A connected client engine, as every interface has one. The caller closes it. */
export async function connectEngine(world: World, name: string): Promise<CmdopClient> {
  const client = new CmdopClient({
    identity: { id: newClientId(randomBytes), interface: 'cli', name, build: 'test' },
    connect: () => connectToHost({ start: false, paths: localPaths(world.env) }),
    clock: systemClock,
    random: Math.random,
    reconnect: false,
  });
  await client.whenConnected();
  return client;
}

export type Mirror = {
  readonly stream: SessionStream;
  readonly terminal: InstanceType<typeof xterm.Terminal>;
  /** Resolves once everything up to offset `end` is on its screen. */
  parsedUpTo(end: number): Promise<void>;
  /** The rows on its screen, without trailing blanks. */
  screenText(): string;
};

/** The session as the host tells it to a client that joins now, in a headless terminal. */
export function mirrorSession(client: CmdopClient, session: string, { scrollback = 1_000 } = {}): Mirror {
  const terminal = new xterm.Terminal({ cols: 80, rows: 24, scrollback: 20_000, allowProposedApi: true });
  terminal.loadAddon(new Unicode11Addon());
  terminal.unicode.activeVersion = '11';
  const feed = new TerminalFeed(terminal);
  const watchers = new Set<() => void>();
  const changed = () => {
    for (const watcher of [...watchers]) watcher();
  };
  const stream = client.attach(
    session,
    {
      snapshot: (text, size, parsed) => feed.snapshot(text, size, () => changedAfter(parsed)),
      output: (bytes, parsed) => feed.output(bytes, () => changedAfter(parsed)),
      resized: (size) => feed.resized(size),
      gap: () => {},
      refused: () => {},
      changed,
      ended: changed,
      failed: changed,
    },
    { role: 'observer', scrollback },
  );
  const changedAfter = (parsed: () => void) => {
    parsed();
    changed();
  };
  const parsedUpTo = (end: number) =>
    new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`the mirror stands at ${stream.offset}, not at ${end}`)), PATIENCE_MS);
      const look = () => {
        if (!stream.isAttached || stream.offset < end || feed.isBusy) return;
        clearTimeout(timer);
        watchers.delete(look);
        resolve();
      };
      watchers.add(look);
      look();
    });
  const screenText = () => {
    const { active } = terminal.buffer;
    const rows = Array.from({ length: terminal.rows }, (_, row) => active.getLine(active.baseY + row)?.translateToString(true) ?? '');
    return rows.join('\n').trimEnd();
  };
  return { stream, terminal, parsedUpTo, screenText };
}

/** A connection without an engine, for what no client of ours would send. The caller closes it. */
export async function connectByHand(world: World, name: string): Promise<{ connection: Connection; nextEvent: NextEvent }> {
  const transport = await connectToHost({ start: false, paths: localPaths(world.env) });
  const seen: ConnectionEvent[] = [];
  const waiting = new Set<() => void>();
  const connection = new Connection({
    transport,
    clock: systemClock,
    listener: {
      event: (event) => {
        seen.push(event);
        for (const look of [...waiting]) look();
      },
      output: () => {},
      responsive: () => {},
      closed: () => {},
    },
  });
  const id = newClientId(randomBytes);
  await connection.request('hello', { protocol: { min: 1, max: 1 }, client: { id, interface: 'cli', name, build: 'test' } });
  const nextEvent: NextEvent = (name) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no ${name} came; there came ${seen.map(({ event }) => event)}`)), PATIENCE_MS);
      const look = () => {
        const at = seen.findIndex(({ event }) => event === name);
        if (at === -1) return;
        clearTimeout(timer);
        waiting.delete(look);
        const [event] = seen.splice(at, 1);
        if (event) resolve(event);
      };
      waiting.add(look);
      look();
    });
  return { connection, nextEvent };
}

export type NextEvent = (name: ConnectionEvent['event']) => Promise<ConnectionEvent>;

/** The attribution history as `cmdop log --json` tells it, oldest first. */
export async function historyOf(world: World, session: string): Promise<CommandRecord[]> {
  return JSON.parse(await world.cmdop('log', session, '--json'));
}

/** The journal's events of a session, oldest first. */
export async function journalOf(world: World, session: string): Promise<JournalEvent[]> {
  return JSON.parse(await world.cmdop('log', session, '--events', '--json'));
}
