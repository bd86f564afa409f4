/** `host upgrade`: puts this build in the place of the running host, and says what came of it. */
import { buildId } from '#local/build-id.ts';
import { nodePath, programPath } from '#local/runtime.ts';
import { VERSION } from '#local/version.ts';
import { CmdopError } from '#protocol/errors.ts';
import type { HostStatus } from '#protocol/shapes.ts';
import { type Globals, hostOf, isRemote, lastingClient } from './connect.ts';
import { isOther } from './host.ts';
import { note, print, printJson } from './output.ts';

/** The old host gives a new one 8 s to load and 8 s to adopt; after this long it is not coming back, milliseconds. */
const GIVE_UP_MS = 30_000;

/** `isQuiet`: that nothing was to be done is not said. */
export async function upgrade(options: Globals & { json?: boolean; force?: boolean; isQuiet?: boolean }): Promise<void> {
  const own = await buildOn(options);
  let changed: () => void = () => {};
  const { promise: over, reject: refused } = Promise.withResolvers<never>();
  over.catch(() => {}); // raced below, if it is still on
  const client = await lastingClient(options, { start: () => false, onState: () => changed(), refused });
  /** The connection ends when the old host gives way, and is back when somebody serves again. */
  const isBack = () =>
    new Promise<void>((resolve, reject) => {
      let wasAway = false;
      const timer = setTimeout(
        () => reject(new CmdopError('timeout', `no host answers since ${GIVE_UP_MS / 1000} s: see its log, and \`cmdop host start\``)),
        GIVE_UP_MS,
      );
      changed = () => {
        if (client.state.is !== 'connected') wasAway = true;
        else if (wasAway) {
          clearTimeout(timer);
          resolve();
        }
      };
    });
  try {
    const old = await client.request('host.status', {});
    if (!options.force && !isOther(old, own)) {
      if (options.json) printJson(report(old, old));
      else if (!options.isQuiet) note('the host is of this build already (--force replaces it all the same)');
      return;
    }
    const back = isBack();
    back.catch(() => {}); // awaited below, if the handoff begins
    const { pid } = await client.request('host.handoff', { build: { node: own.node, hostBundle: own.hostBundle } }).catch(explain);
    await Promise.race([back, over]);
    const now = await client.request('host.status', {});
    if (now.pid !== pid) {
      throw new CmdopError('spawn-failed', now.failedHandoff?.message ?? 'the host was not replaced, but another one runs: see its log');
    }
    if (options.json) printJson(report(old, now));
    else print(`the host is replaced, pid ${now.pid}; ${sessions(now)}\n`);
  } finally {
    client.close();
  }
}

/** The build that lies beside the host: this one here, what is installed on another machine. */
async function buildOn(options: Globals): Promise<{ node: string; hostBundle: string; version: string; build: string | null }> {
  if (!isRemote(options)) {
    const hostBundle = programPath('host');
    return { node: nodePath(), hostBundle, version: VERSION, build: buildId(hostBundle) };
  }
  const [{ placeOf }, { ttyAsker }] = await Promise.all([import('../remote/reach.ts'), import('./tty-asker.ts')]);
  const place = await placeOf(hostOf(options), { ask: ttyAsker({ mayAsk: () => true }) });
  if (place) return place;
  throw new CmdopError('bad-request', `${options.host} does not tell which cmdop it has: run \`cmdop host upgrade\` there`);
}

function explain(error: unknown): never {
  if (error instanceof CmdopError && error.code === 'unknown-method') {
    throw new CmdopError(
      'unknown-method',
      'the running host is too old to be replaced while it runs: `cmdop host stop`, then any command starts this build; the sessions go on',
    );
  }
  throw error;
}

const report = (from: HostStatus, to: HostStatus) => ({
  replaced: from.pid !== to.pid,
  from: { pid: from.pid, version: from.version, build: from.build ?? null },
  to: { pid: to.pid, version: to.version, build: to.build ?? null },
  sessions: to.sessions.running,
});

const sessions = ({ sessions: { running } }: HostStatus) => (running === 1 ? '1 session goes on' : `${running} sessions go on`);
