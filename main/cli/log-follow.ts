/** `log --follow`: prints what is there, then what comes, across restarts of the host, until interrupted. */
import type { CmdopClient } from '#client/cmdop-client.ts';
import type { ConnectionEvent } from '#client/connection.ts';
import type { HistoryFilter } from '#protocol/history.ts';
import type { CommandRecord, JournalEvent } from '#protocol/shapes.ts';
import { lastingClient } from './connect.ts';
import type { LogOptions } from './log.ts';
import { commandLine, eventLine, lastCommands, lastEvents } from './log-rows.ts';
import { print, printJsonLine } from './output.ts';

/** Commands looked at again when one ends: more than can end between two looks. */
const RECENT_COMMANDS = 500;

/** What is followed. Both may throw when the link breaks: then it comes back, and `connected` is called again. */
type Follower = {
  connected(client: CmdopClient): Promise<void>;
  heard(event: ConnectionEvent, client: CmdopClient): Promise<void>;
};

export function follow(options: LogOptions, filter: HistoryFilter, rows: number): Promise<never> {
  const follower = options.events ? eventFollower(options, filter, rows) : commandFollower(options, filter, rows);
  return new Promise<never>((_, reject) => {
    let client: CmdopClient | null = null;
    const unlessCut = (error: unknown) => {
      if (client?.state.is === 'connected') reject(error); // else the link broke, and comes back
    };
    lastingClient(options, {
      watch: !options.events,
      refused: reject,
      onState: ({ is }) => {
        if (is === 'connected' && client) follower.connected(client).catch(unlessCut);
      },
      onEvent: (event) => {
        if (client) follower.heard(event, client).catch(unlessCut);
      },
    }).then((connected) => {
      client = connected;
      follower.connected(client).catch(unlessCut);
    }, reject);
  });
}

/** Prints every command once, when it has ended. */
function commandFollower(options: LogOptions, filter: HistoryFilter, rows: number): Follower {
  const printed = new Set<number>();
  /** The oldest record that the first look showed: what lies before it was not asked for. */
  let oldest: number | null = null;
  let isLooking = false;
  let isStale = false;
  // One look at a time, and one more if something came meanwhile.
  const look = async (client: CmdopClient) => {
    isStale = true;
    if (isLooking) return;
    isLooking = true;
    try {
      while (isStale) {
        isStale = false;
        show(await lastCommands(client, filter, oldest === null ? rows : RECENT_COMMANDS));
      }
    } finally {
      isLooking = false;
    }
  };
  const show = (commands: readonly CommandRecord[]) => {
    oldest ??= commands.length < rows ? 0 : (commands[0]?.id ?? 0);
    for (const command of commands) {
      if (command.endedAt === null || command.id < oldest || printed.has(command.id)) continue;
      printed.add(command.id);
      if (options.json) printJsonLine(command);
      else print(commandLine(command));
    }
  };
  return {
    connected: look,
    heard: async ({ event }, client) => {
      if (event === 'command.changed') await look(client);
    },
  };
}

/** Prints every record of the journal once: the host tells them, and what came before is asked for. */
function eventFollower(options: LogOptions, filter: HistoryFilter, rows: number): Follower {
  const { session, actor, since } = filter;
  let last = 0;
  let wanted = rows;
  /** Told while those before them are still asked for; null once they are printed as they come. */
  let early: JournalEvent[] | null = [];
  const show = (event: JournalEvent) => {
    if (event.seq <= last) return;
    last = event.seq;
    if (options.json) printJsonLine(event);
    else print(eventLine(event));
  };
  return {
    connected: async (client) => {
      early = [];
      await client.request('journal.watch', { session, actor, since });
      for (const event of await lastEvents(client, filter, wanted, last)) show(event);
      wanted = Number.MAX_SAFE_INTEGER;
      for (const event of early ?? []) show(event);
      early = null;
    },
    heard: async (told) => {
      if (told.event !== 'journal.event') return;
      if (early) early.push(told.params.event);
      else show(told.params.event);
    },
  };
}
