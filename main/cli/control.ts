/** `control`, `pause`, `resume`, `role`, `kick` and `size`: who may act in a session, and whose window decides. */
import type { CmdopClient } from '#client/cmdop-client.ts';
import { personName } from '#local/person-name.ts';
import { CmdopError } from '#protocol/errors.ts';
import { type ControlMode, controlMode, type Role, role as roleShape, type SessionSummary, type SizePolicy } from '#protocol/shapes.ts';
import { commandFor, type Globals, sessionRef, withClient } from './connect.ts';
import { UsageError } from './exit-codes.ts';
import { withOperator } from './operate.ts';
import { note, print, printJson } from './output.ts';

type ControlOptions = Globals & { json?: boolean; default?: string };

const VERBS = ['take', 'release', 'request', 'grant', 'mode'] as const;

export async function control(
  options: ControlOptions,
  session: string | undefined,
  verb: string | undefined,
  value?: string,
): Promise<void> {
  if (options.default !== undefined) {
    if (session !== undefined)
      throw new UsageError('--default is for sessions to come: leave out the session, or write `control SESSION mode M`');
    const mode = parseMode(options.default);
    await withClient(options, (client) => client.request('control.mode', { mode }));
    return;
  }
  if (session === undefined) {
    const { controlMode: mode, agentsPaused } = await withClient(options, (client) => client.request('host.status', {}));
    if (options.json) printJson({ mode, agentsPaused });
    else print(`new sessions: mode ${mode}\nagents: ${agentsPaused ? 'paused everywhere' : 'may act'}\n`);
    return;
  }
  const ref = sessionRef(session);
  const known = VERBS.find((each) => each === verb);
  if (verb !== undefined && !known) throw new UsageError(`"${verb}" is nothing to do with control: choose from ${VERBS.join(', ')}`);
  if (known !== 'request' && (known === 'grant' || known === 'mode') === (value === undefined)) {
    throw new UsageError(
      `write \`cmdop control ${session} take\`, \`release\`, \`request [REASON]\`, \`grant ACTOR\` or \`mode turns|locked|open\``,
    );
  }
  if (known === 'grant') await withClient(options, (client) => client.request('control.grant', { session: ref, to: value ?? '' }));
  else if (known === 'mode') {
    const mode = parseMode(value ?? '');
    await withClient(options, (client) => client.request('control.mode', { session: ref, mode }));
  } else if (known === 'take') await take(options, ref);
  else if (known === 'release') await release(options, ref);
  else if (known === 'request') await request(options, ref, value ?? '');
  else if (options.json) await withClient(options, async (client) => printJson(await facts(client, ref)));
  else await withClient(options, async (client) => print(describe(await facts(client, ref))));
}

/** A command ends at once, so it is the person's attached terminal that gets control. */
async function take(globals: Globals, ref: string): Promise<void> {
  await withOperator(globals, ref, async ({ client, stream }) => {
    const to = await ownTerminal(globals, client, ref);
    await stream.takeControl();
    await client.request('control.grant', { session: ref, to });
  });
}

/** Where control is free it goes to the person's attached terminal at once. */
async function request(globals: Globals, ref: string, reason: string): Promise<void> {
  await withOperator(globals, ref, async ({ client, stream }) => {
    const to = await ownTerminal(globals, client, ref);
    const { name, control: now } = await facts(client, ref);
    if (now.holder?.client === to) note(`you have control of ${name} already`);
    else if (await stream.requestControl(reason)) await client.request('control.grant', { session: ref, to });
    else note(`${now.holder?.actor.name ?? 'whoever is there'} was asked for control of ${name}`);
  });
}

/** The client in which the person is attached. Throws `actor-not-found`. */
async function ownTerminal(globals: Globals, client: CmdopClient, ref: string): Promise<string> {
  const name = personName(globals.as);
  const { session } = await client.request('session.inspect', { session: ref });
  const own = session.attached.filter((each) => each.actor.kind === 'human' && each.actor.name === name && each.client !== client.clientId);
  const to = own.filter(({ role }) => role !== 'observer').at(-1);
  if (!to) throw new CmdopError('actor-not-found', `${name} is not attached to ${session.name}: \`cmdop attach ${session.name} --take\``);
  return to.client;
}

async function release(globals: Globals, ref: string): Promise<void> {
  await withOperator(globals, ref, async ({ client, stream }) => {
    const { name, control: now } = await facts(client, ref);
    const own = personName(globals.as);
    if (!now.holder) note(`nobody has control of ${name}`);
    else if (now.holder.actor.name !== own) {
      throw new CmdopError(
        'control-held',
        `${now.holder.actor.name} has control of ${name}, not ${own}: \`cmdop control ${name} take\` takes it`,
      );
    } else {
      await stream.takeControl();
      await stream.releaseControl();
    }
  });
}

type Facts = Pick<SessionSummary, 'name' | 'control' | 'agentsPaused' | 'sizePolicy' | 'size'>;

async function facts(client: CmdopClient, session: string): Promise<Facts & { session: string }> {
  const {
    id,
    name,
    control: now,
    agentsPaused,
    sizePolicy,
    size: current,
  } = (await client.request('session.inspect', { session })).session;
  return { session: id, name, control: now, agentsPaused, sizePolicy, size: current };
}

function describe({ control: now, agentsPaused, sizePolicy, size: current }: Facts): string {
  const holder = now.holder
    ? `${now.holder.actor.name} (${now.holder.actor.interface})`
    : now.mode === 'open'
      ? 'every operator'
      : 'nobody';
  const policy = typeof sizePolicy === 'string' ? sizePolicy : 'fixed';
  const rows = [
    ['control', holder],
    ['mode', now.mode],
    ['agents', agentsPaused ? 'paused' : 'may act'],
    ['size', `${policy}: ${current.cols} × ${current.rows}`],
  ];
  return rows.map(([name, value]) => `${name?.padEnd(8)} ${value}\n`).join('');
}

function parseMode(given: string): ControlMode {
  const mode = controlMode.safeParse(given);
  if (mode.success) return mode.data;
  throw new UsageError(`"${given}" is no mode: choose ${controlMode.options.join(', ')}`);
}

type AgentsOptions = Globals & { agents?: boolean };

export const pause = (options: AgentsOptions, session: string | undefined) => setPaused(options, session, 'pause');
export const resume = (options: AgentsOptions, session: string | undefined) => setPaused(options, session, 'resume');

async function setPaused(options: AgentsOptions, session: string | undefined, verb: 'pause' | 'resume'): Promise<void> {
  if (!options.agents) throw new UsageError(`only agents can be ${verb}d: cmdop ${verb} --agents${session ? ` ${session}` : ''}`);
  const place = session === undefined ? {} : { session: sessionRef(session) };
  const { agentsPaused } = await withClient(options, (client) => client.request(`agents.${verb}`, place));
  if (verb === 'resume' && agentsPaused)
    note(`agents are still paused everywhere: \`${commandFor(options, 'resume --agents')}\` without a session resumes them`);
}

export async function role(globals: Globals, session: string, actor: string, given: string): Promise<void> {
  const wanted = roleShape.safeParse(given);
  if (!wanted.success) throw new UsageError(`"${given}" is no role: choose ${roleShape.options.join(', ')}`);
  const params: { session: string; actor: string; role: Role } = { session: sessionRef(session), actor, role: wanted.data };
  await withClient(globals, (client) => client.request('role.set', params));
}

export async function kick(globals: Globals, session: string, actor: string): Promise<void> {
  const { clients } = await withClient(globals, (client) => client.request('session.kick', { session: sessionRef(session), actor }));
  const command = commandFor(globals, `role ${session} ${actor} operator`);
  if (clients === 0) note(`${actor} was not attached, and cannot attach until \`${command}\``);
}

export async function size(globals: Globals, session: string, given: string): Promise<void> {
  await withClient(globals, (client) => client.request('session.size', { session: sessionRef(session), policy: parsePolicy(given) }));
}

function parsePolicy(given: string): SizePolicy {
  if (given === 'controller' || given === 'largest' || given === 'smallest') return given;
  const [, cols = '', rows = ''] = /^(\d{1,4})[x×](\d{1,4})$/.exec(given) ?? [];
  const isSize = [cols, rows].every((cells) => Number(cells) >= 1 && Number(cells) <= 2000);
  if (isSize) return { cols: Number(cols), rows: Number(rows) };
  throw new UsageError(`"${given}" is no size: write controller, largest, smallest, or columns and rows such as 120x40`);
}
