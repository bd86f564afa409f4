/** `search`: over the command lines and the output of every session, as grep would. */
import type { CmdopClient } from '#client/cmdop-client.ts';
import { SearchInbox } from '#client/search-inbox.ts';
import type { ParamsInput } from '#protocol/messages.ts';
import type { SearchHit } from '#protocol/search.ts';
import type { CommandRecord } from '#protocol/shapes.ts';
import { printable } from '../attach/cells.ts';
import { type Globals, newClient, sessionRef } from './connect.ts';
import { EXIT, exitCodeOf, sentenceOf, UsageError } from './exit-codes.ts';
import { bold, dim, note, print, printJsonLine, red } from './output.ts';
import { sinceOf } from './since.ts';
import { showTime } from './times.ts';

export type SearchOptions = Globals & {
  session?: string;
  commands?: boolean;
  output?: boolean;
  regex?: boolean;
  ignoreCase?: boolean;
  since?: string;
  limit?: string;
  json?: boolean;
};

/** Hits shown of each kind when nobody says how many. */
const DEFAULT_LIMIT = 500;
const MAX_LIMIT = 10_000;
/** Command records in one answer. */
const PAGE_ROWS = 500;

/** Exits as grep does: 0 where something was found, 1 where nothing was, 2 where it could not be looked for. */
export async function search(options: SearchOptions, text: string): Promise<void> {
  const limit = limitOf(options.limit);
  const sought = {
    text,
    regex: options.regex ?? false,
    ignoreCase: options.ignoreCase ?? false,
    ...(options.session === undefined ? {} : { session: sessionRef(options.session) }),
    ...(options.since === undefined ? {} : { since: sinceOf(options.since) }),
  };
  if (text === '') throw new UsageError('nothing to look for: cmdop search TEXT');
  const isBoth = !options.commands && !options.output;
  const inbox = new SearchInbox();
  const client = newClient(options, { onEvent: (event) => inbox.event(event) });
  let found = 0;
  try {
    await client.whenConnected();
    if (isBoth || options.commands) found += await searchCommands(client, sought, { limit, options });
    if (isBoth || options.output) found += await searchOutput({ client, inbox, sought: { ...sought, limit }, options });
  } catch (error) {
    // 1 says that nothing was found.
    if (exitCodeOf(error) === EXIT.failed) throw new UsageError(sentenceOf(error));
    throw error;
  } finally {
    client.close();
  }
  if (found > 0) return;
  process.exitCode = EXIT.failed;
}

type Sought = Omit<ParamsInput<'search.output'>, 'limit'>;

async function searchCommands(client: CmdopClient, sought: Sought, how: { limit: number; options: SearchOptions }): Promise<number> {
  let found = 0;
  for (let before: number | undefined; found < how.limit; ) {
    const limit = Math.min(PAGE_ROWS, how.limit - found);
    const page = await client.request('search.commands', { ...sought, limit, ...(before === undefined ? {} : { before }) });
    for (const command of page.commands) showCommand(command, how.options);
    found += page.commands.length;
    before = page.commands.at(-1)?.id;
    if (!page.more || before === undefined) break;
    if (found >= how.limit) noteLimit(how.limit);
  }
  return found;
}

function searchOutput(given: {
  client: CmdopClient;
  inbox: SearchInbox;
  sought: ParamsInput<'search.output'>;
  options: SearchOptions;
}): Promise<number> {
  const { client, inbox, sought, options } = given;
  let found = 0;
  return new Promise((resolve, reject) => {
    inbox
      .start(client, sought, {
        found: (hits) => {
          found += hits.length;
          for (const hit of hits) showHit(hit, options);
        },
        ended: ({ reason, message }) => {
          if (reason === 'failed') reject(new UsageError(message ?? 'the search failed'));
          else resolve(found);
          if (reason === 'limit') noteLimit(sought.limit ?? DEFAULT_LIMIT);
        },
      })
      .catch(reject);
  });
}

function showCommand(command: CommandRecord, { json }: SearchOptions): void {
  if (json) return printJsonLine({ kind: 'command', ...command });
  const who = command.submitter?.name ?? '';
  printLine({ at: command.startedAt, session: command.sessionName, who, text: `$ ${bold(printable(command.text))}` });
}

function showHit(hit: SearchHit, { json }: SearchOptions): void {
  if (json) return printJsonLine({ kind: 'output', ...hit });
  const who = hit.command?.submitter?.name ?? '';
  printLine({ at: hit.at, session: hit.sessionName, who, text: marked(hit) });
}

function printLine({ at, session, who, text }: { at: number | null; session: string; who: string; text: string }): void {
  const when = at === null ? '' : showTime(at, Date.now());
  print(`${dim([when, printable(session), printable(who)].filter((part) => part !== '').join('  '))}  ${text}\n`);
}

/** The line with its matches in colour. */
function marked({ text, ranges }: SearchHit): string {
  let shown = '';
  let at = 0;
  for (const [from, to] of ranges) {
    shown += printable(text.slice(at, from)) + red(printable(text.slice(from, to)));
    at = to;
  }
  return shown + printable(text.slice(at));
}

function noteLimit(limit: number): void {
  note(`there may be more than the newest ${limit}: --limit says how many to show`);
}

function limitOf(given: string | undefined): number {
  if (given === undefined) return DEFAULT_LIMIT;
  const limit = Number(given);
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT)
    throw new UsageError(`"${given}" is no number of hits: write 1 to ${MAX_LIMIT}`);
  return limit;
}
