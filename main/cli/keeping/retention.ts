/** `retention`, `prune`, `pin` and `unpin`: what is kept, and for how long. */
import type { PrunedSession, RetentionLimits } from '#protocol/retention.ts';
import { commandFor, type Globals, sessionRef, withClient } from '../connect.ts';
import { UsageError } from '../exit-codes.ts';
import { dim, note, print, printJson, tableWidth } from '../output.ts';
import { type Column, formatTable } from '../table.ts';
import { parseDuration, showAge } from '../times.ts';
import { parseBytes, showBytes } from './sizes.ts';

type Options = Globals & { sessionBudget?: string; total?: string; age?: string; json?: boolean };

const KEPT_COLUMNS: readonly Column[] = [
  { title: 'NAME', shrink: 'end' },
  { title: 'STATE' },
  { title: 'SIZE', align: 'right' },
  { title: 'COMMANDS', align: 'right' },
  { title: 'ENDED', align: 'right' },
];
const PRUNED_COLUMNS: readonly Column[] = [
  { title: 'NAME', shrink: 'end' },
  { title: 'SIZE', align: 'right' },
  { title: 'COMMANDS', align: 'right' },
  { title: 'WHY' },
];

/** Shows what is kept; with limits, sets them first. */
export async function retention(options: Options): Promise<void> {
  const limits = limitsIn(options);
  const state = await withClient(options, async (client) => {
    if (Object.keys(limits).length > 0) await client.request('retention.set', { limits });
    return client.request('retention.get', {});
  });
  if (options.json) {
    printJson(state);
    return;
  }
  const rows = state.sessions.map(({ name, state: is, isPinned, bytes, commands, endedAt }) => [
    name,
    isPinned ? `${is}, pinned` : is,
    showBytes(bytes),
    String(commands),
    endedAt === null ? { text: '-', style: dim } : showAge(Date.now() - endedAt),
  ]);
  if (rows.length > 0) print(`${formatTable(KEPT_COLUMNS, rows, tableWidth())}\n`);
  print(
    `${showBytes(state.sessionsBytes)} of sessions, a journal of ${showBytes(state.journalBytes)}, checkpoints of ${showBytes(state.checkpointsBytes ?? 0)}\n`,
  );
  print(`limits: ${sentence(state.limits)}\n`);
  if (state.prunedAt !== null) print(`last pruned ${showAge(Date.now() - state.prunedAt)} ago\n`);
}

export async function prune(options: Globals & { dryRun?: boolean; json?: boolean }): Promise<void> {
  const isDryRun = options.dryRun === true;
  const { limits, ...result } = await withClient(options, async (client) => ({
    ...(await client.request('retention.prune', { isDryRun })),
    limits: (await client.request('retention.get', {})).limits,
  }));
  if (options.json) {
    printJson({ isDryRun, ...result });
    return;
  }
  const { pruned, freedBytes, keptBytes } = result;
  if (pruned.length === 0) {
    note(`nothing is beyond the limits (${sentence(limits)}); ${showBytes(keptBytes)} are kept`);
    return;
  }
  const rows = pruned.map((each) => [each.name, showBytes(each.bytes), String(each.commands), why(each, limits)]);
  print(formatTable(PRUNED_COLUMNS, rows, tableWidth()));
  const done = isDryRun ? 'would be freed, and the history of what is removed' : 'freed';
  print(`\n${showBytes(freedBytes)} ${done}; ${showBytes(keptBytes)} ${isDryRun ? 'would stay' : 'stay'}\n`);
}

export async function pin(options: Globals, session: string, isPinned: boolean): Promise<void> {
  await withClient(options, (client) => client.request('retention.pin', { session: sessionRef(session), isPinned }));
  note(
    isPinned
      ? `${session} stays, whatever the limits (\`${commandFor(options, `unpin ${session}`)}\` ends that)`
      : `${session} is under the limits again`,
  );
}

function limitsIn({ sessionBudget, total, age }: Options): Partial<RetentionLimits> {
  const sessionBytes = sessionBudget === undefined ? undefined : bytesOf(sessionBudget);
  const totalBytes = total === undefined ? undefined : total === 'none' ? null : bytesOf(total);
  const maxAgeMs = age === undefined ? undefined : age === 'none' ? null : ageOf(age);
  return {
    ...(sessionBytes === undefined ? {} : { sessionBytes }),
    ...(totalBytes === undefined ? {} : { totalBytes }),
    ...(maxAgeMs === undefined ? {} : { maxAgeMs }),
  };
}

function bytesOf(given: string): number {
  const bytes = parseBytes(given);
  if (bytes === null) throw new UsageError(`"${given}" is no size: write 64M or 2G`);
  return bytes;
}

function ageOf(given: string): number {
  const age = parseDuration(given);
  if (age === null || age <= 0) throw new UsageError(`"${given}" is no age: write 90d or 12w, or none`);
  return age;
}

function sentence({ sessionBytes, totalBytes, maxAgeMs }: RetentionLimits): string {
  const total = totalBytes === null ? 'no limit in all' : `${showBytes(totalBytes)} in all`;
  const age = maxAgeMs === null ? 'no limit of age' : `${showAge(maxAgeMs)} after their end`;
  return `${showBytes(sessionBytes)} of output a session, ${total}, ${age}`;
}

function why({ reason }: PrunedSession, { sessionBytes, totalBytes, maxAgeMs }: RetentionLimits): string {
  switch (reason) {
    case 'age':
      return `ended more than ${showAge(maxAgeMs ?? 0)} ago`;
    case 'total':
      return `all together are more than ${showBytes(totalBytes ?? 0)}`;
    case 'session-budget':
      return `its oldest output, beyond ${showBytes(sessionBytes)}`;
  }
}
