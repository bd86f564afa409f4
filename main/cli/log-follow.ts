/** `log --follow`: prints what is there, then what comes, across restarts of the host, until interrupted. */
import type { CmdopClient } from '#client/cmdop-client.ts';
import type { HistoryFilter } from '#protocol/messages.ts';
import { lastingClient } from './connect.ts';
import type { LogOptions } from './log.ts';
import { commandLine, eventLine, lastCommands, lastEvents } from './log-rows.ts';
import { print, printJsonLine } from './output.ts';

/** How often the journal is asked for what is new, milliseconds: the host announces commands, not every event. */
const EVENTS_EVERY_MS = 1_000;
/** Commands looked at again when one ends: more than can end between two looks. */
const RECENT_COMMANDS = 500;

export async function follow(options: LogOptions, filter: HistoryFilter, rows: number): Promise<never> {
  const printNew = options.events ? eventPrinter(options, filter, rows) : commandPrinter(options, filter, rows);
  return new Promise<never>((_, reject) => {
    let client: CmdopClient | null = null;
    let isLooking = false;
    let isStale = false;
    // One look at a time, and one more if something came meanwhile.
    const look = async () => {
      isStale = true;
      if (isLooking || !client) return;
      isLooking = true;
      try {
        while (isStale) {
          isStale = false;
          await printNew(client);
        }
      } catch (error) {
        if (client.state.is === 'connected') reject(error); // else the link broke, and comes back
      } finally {
        isLooking = false;
      }
    };
    lastingClient(options, {
      watch: true,
      onState: ({ is }) => {
        if (is === 'connected') void look();
      },
      onEvent: ({ event }) => {
        if (event === 'command.changed') void look();
      },
    }).then((connected) => {
      client = connected;
      void look();
      if (options.events) setInterval(look, EVENTS_EVERY_MS);
    }, reject);
  });
}

type Printer = (client: CmdopClient) => Promise<void>;

/** Prints every command once, when it has ended. */
function commandPrinter(options: LogOptions, filter: HistoryFilter, rows: number): Printer {
  const printed = new Set<number>();
  /** The oldest record that the first look showed: what lies before it was not asked for. */
  let oldest: number | null = null;
  return async (client) => {
    const commands = await lastCommands(client, filter, oldest === null ? rows : RECENT_COMMANDS);
    oldest ??= commands.length < rows ? 0 : (commands[0]?.id ?? 0);
    for (const command of commands) {
      if (command.endedAt === null || command.id < oldest || printed.has(command.id)) continue;
      printed.add(command.id);
      if (options.json) printJsonLine(command);
      else print(commandLine(command));
    }
  };
}

function eventPrinter(options: LogOptions, filter: HistoryFilter, rows: number): Printer {
  let last = 0;
  let wanted = rows;
  return async (client) => {
    const events = await lastEvents(client, filter, wanted, last);
    wanted = Number.MAX_SAFE_INTEGER;
    last = events.at(-1)?.seq ?? last;
    for (const event of events) {
      if (options.json) printJsonLine(event);
      else print(eventLine(event));
    }
  };
}
