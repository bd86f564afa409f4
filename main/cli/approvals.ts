/** `approvals`, `approve`, `reject` and `answer`: what agents want, and what a person says to it. */
import type { CmdopClient } from '#client/cmdop-client.ts';
import type { Approval } from '#protocol/approvals.ts';
import type { Result } from '#protocol/messages.ts';
import { printable } from '../attach/cells.ts';
import { type Globals, lastingClient, withClient } from './connect.ts';
import { UsageError } from './exit-codes.ts';
import { bold, dim, note, print, printJson, printJsonLine, yellow } from './output.ts';
import { showAge } from './times.ts';

type Listed = Result<'approval.list'>;

export async function approvals(options: Globals & { watch?: boolean; all?: boolean; json?: boolean }): Promise<void> {
  const filter = options.all ? {} : { state: 'pending' as const };
  if (options.watch) return watchApprovals(options, filter);
  const listed = await withClient(options, (client) => client.request('approval.list', filter));
  if (options.json) {
    printJson(listed);
    return;
  }
  for (const approval of listed.approvals) print(describe(approval));
  if (listed.approvals.length === 0) note('no agent waits for an approval');
  hint(listed);
}

async function watchApprovals(options: Globals & { json?: boolean }, filter: { state?: 'pending' }): Promise<never> {
  const shown = (approval: Approval) => (options.json ? printJsonLine(approval) : print(describe(approval)));
  const list = async (client: CmdopClient) => {
    const listed = await client.request('approval.list', filter);
    for (const approval of listed.approvals) shown(approval);
  };
  let client: CmdopClient | null = null;
  const { promise: over, reject: refused } = Promise.withResolvers<never>();
  const connected = await lastingClient(options, {
    refused,
    watch: true,
    // What was asked while the host was away is not told, but listed.
    onState: ({ is }) => {
      if (is === 'connected' && client) list(client).catch(() => {}); // the link broke again: the next one lists
    },
    onEvent: (event) => {
      if (event.event === 'approval.changed') shown(event.params.approval);
    },
  });
  client = connected;
  await Promise.race([list(connected), over]);
  return over;
}

export async function approve(options: Globals & { session?: boolean; rule?: boolean; edit?: string }, id: string): Promise<void> {
  if (options.session && options.rule) throw new UsageError('choose --session or --rule: a rule holds in every session');
  const scope = options.rule ? 'rule' : options.session ? 'session' : 'once';
  const more = options.edit === undefined ? {} : { text: options.edit };
  const { approval } = await decide(options, { id: numberOf(id), decision: 'approve', scope, ...more });
  if (scope === 'rule' && approval.offer) print(`added to the policy: ${printable(approval.offer)}\n`);
}

export async function reject(options: Globals & { reason?: string }, id: string): Promise<void> {
  const more = options.reason === undefined ? {} : { reason: options.reason };
  await decide(options, { id: numberOf(id), decision: 'reject', ...more });
}

export async function answer(options: Globals, id: string, text: string): Promise<void> {
  await decide(options, { id: numberOf(id), decision: 'approve', answer: text });
}

type Decision = Parameters<typeof CmdopClient.prototype.request<'approval.decide'>>[1];

const decide = (options: Globals, decision: Decision) => withClient(options, (client) => client.request('approval.decide', decision));

function numberOf(id: string): number {
  if (!/^\d{1,15}$/.test(id)) throw new UsageError(`"${id}" is no number of an approval: \`cmdop approvals\` shows them`);
  return Number(id);
}

function describe(approval: Approval): string {
  const {
    id,
    actor,
    kind,
    shown,
    sessionName,
    folder,
    program,
    reason,
    seen,
    offer,
    choices,
    state,
    decidedBy,
    answer: said,
    edited,
    alike,
  } = approval;
  const what = { command: 'run', keys: `type into ${printable(program ?? 'the program')}`, action: 'act', question: 'ask' }[kind];
  const age = showAge(Date.now() - approval.askedAt);
  const lines = [
    `${bold(String(id))}  ${printable(actor.name)} wants to ${what} in ${printable(sessionName || 'a new session')}, ${printable(folder)}  ${dim(age)}`,
  ];
  lines.push(`    ${bold(printable(shown))}`);
  if (reason) lines.push(`    because: ${printable(reason)}`);
  if (seen.length > 0) lines.push(`    ${yellow(`note: ${printable(seen.join('; '))}`)}`);
  if (choices.length > 0) lines.push(`    answers: ${printable(choices.join(' | '))}`);
  if (alike > 1) lines.push(`    ${dim(`${alike} like this in the last hour`)}`);
  if (state !== 'pending') {
    const by = decidedBy ? ` by ${printable(decidedBy.name)}` : '';
    lines.push(
      `    ${kind === 'question' && state === 'approved' ? 'answered' : state}${by}${said ? `: ${printable(said)}` : ''}${edited ? `, as ${printable(edited)}` : ''}`,
    );
  } else if (kind === 'question') lines.push(dim(`    cmdop answer ${id} TEXT`));
  else lines.push(dim(`    cmdop approve ${id} · cmdop reject ${id} --reason TEXT${offer ? ` · --rule adds ${printable(offer)}` : ''}`));
  return `${lines.join('\n')}\n`;
}

function hint({ askedToday, offer }: Listed): void {
  if (askedToday > 0) note(`${askedToday} asked today`);
  if (offer) note(`this rule would have covered the last ${offer.covers}: ${printable(offer.rule)} (\`cmdop policy edit\`)`);
}
