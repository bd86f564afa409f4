/** `screen`, `who` and `inspect`: one session as it is now. */
import type { Result } from '#protocol/messages.ts';
import type { Attachment, SessionSummary } from '#protocol/shapes.ts';
import { printable } from '../attach/cells.ts';
import { showEnd } from '../attach/session-end.ts';
import { asReached, commandFor, type Globals, sessionRef, withClient } from './connect.ts';
import { bold, dim, note, print, printJson, tableWidth } from './output.ts';
import { processTable } from './running/processes.ts';
import { shortHome } from './sessions.ts';
import { type Column, formatTable } from './table.ts';
import { showAge, showTime } from './times.ts';

type Options = Globals & { json?: boolean };

export async function screen(options: Options, session: string): Promise<void> {
  const shown = await withClient(options, (client) => client.request('session.screen', { session: sessionRef(session) }));
  if (options.json) {
    printJson(shown);
    return;
  }
  const text = shown.lines.map((line) => printable(line)).join('\n');
  if (text.trim() !== '') print(`${text.replace(/\n+$/, '')}\n`);
  if (shown.isCut)
    note(`the screen is ${shown.size.cols} × ${shown.size.rows}, more than an answer holds: its longest lines are cut, and end with …`);
}

const WHO_COLUMNS: readonly Column[] = [
  { title: 'NAME', shrink: 'end' },
  { title: 'KIND' },
  { title: 'INTERFACE' },
  { title: 'ROLE' },
  { title: 'CONTROL' },
  { title: 'FROM', shrink: 'end' },
  { title: 'SINCE', align: 'right' },
];

export async function who(options: Options, session: string): Promise<void> {
  const summary = await sessionSummary(options, session);
  if (options.json) printJson({ session: summary.id, control: summary.control, attached: summary.attached });
  else if (summary.attached.length > 0) print(formatTable(WHO_COLUMNS, summary.attached.map(whoRow(summary)), tableWidth()));
  else note(`nobody is attached to ${summary.name}: \`${commandFor(options, `attach ${summary.name}`)}\` joins it`);
}

const whoRow =
  ({ control }: SessionSummary) =>
  ({ actor, client, role, since, origin }: Attachment) => [
    actor.name,
    actor.kind,
    actor.interface,
    role,
    control.holder?.client === client ? { text: 'yes', style: bold } : '',
    origin ? `${origin.isClaimed ? 'as they say, ' : ''}${origin.from ?? `a command${origin.user ? ` of ${origin.user}` : ''}`}` : 'here',
    showAge(Date.now() - since),
  ];

async function sessionSummary(options: Options, session: string): Promise<SessionSummary> {
  return (await withClient(options, (client) => client.request('session.inspect', { session: sessionRef(session) }))).session;
}

export async function inspect(options: Options, session: string): Promise<void> {
  const found = await withClient(options, (client) => client.request('session.inspect', { session: sessionRef(session) }));
  const state = { ...found, session: asReached(options, found.session) };
  if (options.json) printJson(state);
  else print(describe(state));
}

function describe({ session, processes, modes, output, shellIntegration, keeperPid }: Result<'session.inspect'>): string {
  const holder = session.control.holder;
  const set = Object.entries(modes)
    .filter(
      ([name, value]) =>
        (value === true && !['cursorVisible', 'wraparound'].includes(name)) || (typeof value === 'string' && value !== 'none'),
    )
    .map(([name, value]) => (typeof value === 'string' ? `${name} ${value}` : name));
  const rows: [string, string][] = [
    ['name', session.name],
    ['address', session.address],
    ['id', session.id],
    ['state', session.end ? `ended: ${showEnd(session.end)}` : 'running'],
    ['command', session.running ?? '(at the prompt, or unknown)'],
    ['folder', shortHome(session.cwd)],
    ['title', session.title || '(none)'],
    ['size', `${session.size.cols} × ${session.size.rows}`],
    ['created', showTime(session.createdAt, Date.now())],
    ['attached', session.attached.map(({ actor, role }) => `${actor.name} (${actor.interface}, ${role})`).join(', ') || '(nobody)'],
    ['control', `${holder ? holder.actor.name : '(nobody)'}, mode ${session.control.mode}, epoch ${session.control.epoch}`],
    ['output', `bytes ${output.start} to ${output.end}`],
    ['modes', set.join(', ') || '(none)'],
    ['shell integration', shellIntegration ? 'yes' : 'no: commands are read from the screen'],
    ['keeper', keeperPid === null ? '(none)' : `pid ${keeperPid}`],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const facts = rows.map(([name, value]) => `${dim(name.padEnd(width))}  ${printable(value)}\n`).join('');
  return processes.length > 0 ? `${facts}\n${processTable(processes)}` : facts;
}
