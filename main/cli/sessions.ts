/** `ls`, `rename` and `kill`: sessions as a list. */
import { constants } from 'node:os';
import { basename } from 'node:path';
import type { CmdopClient } from '#client/cmdop-client.ts';
import { homeFolder } from '#local/home-folder.ts';
import { CmdopError } from '#protocol/errors.ts';
import { METHODS } from '#protocol/messages.ts';
import type { SessionSummary } from '#protocol/shapes.ts';
import { showEnd } from '../attach/session-end.ts';
import { asReached, commandFor, type Globals, isRemote, sentenceFor, sessionRef, withClient } from './connect.ts';
import { UsageError } from './exit-codes.ts';
import { dim, green, note, print, printJson, red, tableWidth } from './output.ts';
import { type Cell, type Column, formatTable } from './table.ts';
import { showAge } from './times.ts';

const COLUMNS: readonly Column[] = [
  { title: 'STATE' },
  { title: 'COMMAND', shrink: 'end' },
  { title: 'CWD', shrink: 'start' },
  { title: 'ATTACHED', shrink: 'end' },
  { title: 'AGE', align: 'right' },
];

/** Shown below the list at most. */
const MAX_WARNINGS = 3;

export async function list(globals: Globals & { json?: boolean }): Promise<void> {
  const [sessions, warnings] = await withClient(globals, (client) => Promise.all([client.sessions(), warningsOf(client)]));
  if (globals.json) printJson(sessions.map((session) => asReached(globals, session)));
  else if (sessions.length > 0) {
    // What `attach` takes from here: whole, since it may be copied.
    const first: Column = isRemote(globals) ? { title: 'ADDRESS' } : { title: 'NAME', shrink: 'end' };
    const rows = sessions.map((session) => [isRemote(globals) ? asReached(globals, session).address : session.name, ...row(session)]);
    print(formatTable([first, ...COLUMNS], rows, tableWidth()));
  } else note(`no sessions: \`${commandFor(globals, 'new')}\` starts one`);
  for (const warning of warnings.slice(0, MAX_WARNINGS)) note(sentenceFor(globals, warning));
  const more = warnings.length - MAX_WARNINGS;
  if (more > 0) note(`and ${more} more warnings: \`${commandFor(globals, 'host status')}\` shows them`);
}

/** What is wrong with the host: no guest's business. */
const warningsOf = async (client: CmdopClient): Promise<readonly string[]> =>
  client.guest ? [] : (await client.request('host.status', {})).warnings;

function row(session: SessionSummary): Cell[] {
  const command = session.running ?? (session.command.length > 0 ? session.command.map((word) => basename(word)).join(' ') : '');
  const people = [...new Set(session.attached.map(({ actor }) => actor.name))];
  return [
    state(session),
    session.running === null ? { text: command, style: dim } : command,
    shortHome(session.cwd),
    people.join(', ') || { text: '-', style: dim },
    showAge(Date.now() - session.createdAt),
  ];
}

function state({ end, running, shared, unreachable }: SessionSummary): Cell {
  if (unreachable !== undefined) return { text: `unreachable (${unreachable})`, style: red };
  if (end) return { text: `ended (${showEnd(end)})`, style: end.code === 0 ? dim : red };
  const others = shared ? ', shared' : '';
  return running === null ? `idle${others}` : { text: `busy${others}`, style: green };
}

export function shortHome(folder: string): string {
  const home = homeFolder();
  return folder === home || folder.startsWith(`${home}/`) ? `~${folder.slice(home.length)}` : folder;
}

export async function rename(globals: Globals, session: string, name: string): Promise<void> {
  await withClient(globals, (client) => client.request('session.rename', { session: sessionRef(session), name }));
}

/** An ended session has nothing left to signal: it is taken off the list. */
export async function kill(globals: Globals & { signal?: string }, session: string): Promise<void> {
  const signal = globals.signal === undefined ? undefined : parseSignal(globals.signal);
  await withClient(globals, async (client) => {
    try {
      await client.request('session.kill', { session: sessionRef(session), ...(signal ? { signal } : {}) });
    } catch (error) {
      if (signal || !(error instanceof CmdopError) || error.code !== 'session-ended') throw error;
      await client.request('session.remove', { session: sessionRef(session) });
      note(`${session} had ended: it is off the list, its history stays (\`${commandFor(globals, `log ${session}`)}\`)`);
    }
  });
}

/** `KILL`, `kill`, `SIGKILL` or 9. Throws UsageError. */
export function parseSignal(given: string) {
  const named = /^\d+$/.test(given)
    ? Object.entries(constants.signals).find(([, number]) => number === Number(given))?.[0]
    : `SIG${given.toUpperCase().replace(/^SIG/, '')}`;
  const signal = SIGNAL.safeParse(named);
  if (signal.success && named) return signal.data;
  throw new UsageError(`"${given}" is no signal that can be sent: choose from ${SIGNAL.unwrap().options.join(', ')}`);
}

const SIGNAL = METHODS['session.kill'].params.shape.signal;
