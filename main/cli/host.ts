/** `host status|start|stop` and `web`: the process behind the sessions. */
import { buildId } from '#local/build-id.ts';
import { programPath } from '#local/runtime.ts';
import { VERSION } from '#local/version.ts';
import { CmdopError } from '#protocol/errors.ts';
import type { HostStatus } from '#protocol/shapes.ts';
import { type Globals, hostOf, isRemote, newClient, withClient } from './connect.ts';
import { EXIT, UsageError } from './exit-codes.ts';
import { dim, note, print, printJson } from './output.ts';
import { serviceState } from './service.ts';
import { showAge } from './times.ts';

type Options = Globals & { json?: boolean };

export async function status(options: Options): Promise<void> {
  const found = await statusOf(options, false);
  const service = isRemote(options) ? null : serviceState();
  if (options.json) printJson(found ? { running: true, ...found, isOtherBuild: isOther(found), service } : { running: false, service });
  else if (found) print(describe(found, options));
  else if (isRemote(options)) note(`no host runs on ${options.host}: start it with \`cmdop -H ${options.host} host start\``);
  else note('no host runs here: start it with `cmdop host start`');
  if (!found) process.exitCode = EXIT.hostUnreachable;
}

export async function start(options: Options): Promise<void> {
  const found = await statusOf(options, true);
  if (!found) throw new CmdopError('host-unreachable', 'the host ended as soon as it had started: see its log');
  if (options.json) printJson({ running: true, ...found });
  else print(`the host runs, pid ${found.pid}\n`);
}

/** The sessions go on: their keepers wait for the next host. */
export async function stop(options: Options): Promise<void> {
  let ended: () => void = () => {};
  const hasEnded = new Promise<void>((resolve) => {
    ended = resolve;
  });
  const client = newClient(options, {
    start: () => false,
    onState: (state) => {
      if (state.is === 'closed') ended();
    },
  });
  try {
    await client.whenConnected();
    const { sessions, pid } = await client.request('host.status', {});
    await client.request('host.stop', {}).catch((error: unknown) => {
      // It may be gone before its answer is.
      if (!(error instanceof CmdopError) || error.code !== 'disconnected') throw error;
    });
    await hasEnded;
    if (options.json) printJson({ running: false, stopped: pid });
    else print(`the host has stopped; ${sessions.running === 1 ? '1 session goes' : `${sessions.running} sessions go`} on without it\n`);
  } catch (error) {
    if (!isNoHost(error)) throw error;
    if (options.json) printJson({ running: false, stopped: null });
    else print('no host ran\n');
  } finally {
    client.close();
  }
}

/** Null where no host runs and `isStarting` is false. */
async function statusOf(options: Options, isStarting: boolean): Promise<HostStatus | null> {
  try {
    return await withClient(options, (client) => client.request('host.status', {}), { start: () => isStarting });
  } catch (error) {
    if (isStarting || !isNoHost(error)) throw error;
    return null;
  }
}

/** Whether the host is of another build than this command, or than `own`; a host too old to say which is. */
export function isOther({ version, build }: Pick<HostStatus, 'version' | 'build'>, own = ownBuild()): boolean {
  return version !== own.version || (own.build !== null && build !== own.build && build !== null);
}

const ownBuild = () => ({ version: VERSION, build: buildId(programPath('host')) });

/** Nobody is there to ask; any other failure to reach a host is one. */
export const isNoHost = (error: unknown) => error instanceof CmdopError && error.data?.isNoHost === true;

function describe(host: HostStatus, globals: Globals): string {
  const remedy = isRemote(globals)
    ? `\`cmdop hosts install ${globals.host}\` brings this one there`
    : '`cmdop host upgrade` puts this one in its place';
  const rows: [string, string][] = [
    ['pid', String(host.pid)],
    ['version', `${host.version}${host.build ? `, build ${host.build}` : ''}, protocol ${host.protocol.min}–${host.protocol.max}`],
    ...(isOther(host) ? [['', `another build than this cmdop: ${remedy}`] as [string, string]] : []),
    ['running for', showAge(Date.now() - host.startedAt)],
    ['sessions', `${host.sessions.running} running, ${host.sessions.ended} ended`],
    ['clients', String(host.clients)],
    ['socket', host.socket],
    ['state', host.stateDir],
    ['browser', host.web ?? '(not served: `cmdop web` opens it)'],
    ...serviceRow(globals),
    ...(host.failedHandoff
      ? [['upgrade', `${showAge(Date.now() - host.failedHandoff.at)} ago ${host.failedHandoff.message}`] as [string, string]]
      : []),
    ...host.warnings.map((warning): [string, string] => ['warning', warning]),
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${dim(name.padEnd(width))}  ${value}\n`).join('');
}

function serviceRow(globals: Globals): [string, string][] {
  const service = isRemote(globals) ? null : serviceState();
  if (!service?.isEnabled) return [];
  return [['service', service.isCurrent ? service.file : `${service.file} starts another build: \`cmdop host enable\` changes that`]];
}

/** How a person brings a port of another machine's loopback here. */
async function wayToPort(host: string, port: string): Promise<string> {
  const { wayTo } = await import('../remote/reach.ts');
  const way = wayTo(host);
  if (way.by !== 'ssh') return `bring its port ${port} here (as \`kubectl port-forward POD ${port}\` does)`;
  const [, name = way.ssh, sshPort] = /^(.*):(\d+)$/.exec(way.ssh) ?? [];
  return `\`ssh -L ${port}:127.0.0.1:${port} ${sshPort ? `-p ${sshPort} ` : ''}${name}\``;
}

/** Prints the address and nothing else, so that it can be handed on. */
export async function web(options: Globals & { port?: string }): Promise<void> {
  const port = options.port === undefined ? undefined : Number(options.port);
  if (port !== undefined && (!Number.isInteger(port) || port < 0 || port > 65_535)) {
    throw new UsageError(`"${options.port}" is no port: write a number from 0 to 65535`);
  }
  const { url } = await withClient(options, (client) => client.request('web.open', port === undefined ? {} : { port }));
  print(`${url}\n`);
  if (process.stdout.isTTY) note('the address works once, within 10 minutes');
  const served = /:(\d+)\//.exec(url)?.[1];
  if (isRemote(options) && served) {
    note(`${options.host} serves it to itself only: ${await wayToPort(hostOf(options), served)} first, then open it here`);
  }
}
