/** Which build of cmdop each machine has, beside this one, and bringing it there. */
import { LOCAL_HOST } from '#protocol/address.ts';
import { platform } from '../platform/platform.ts';
import { client } from './engines.ts';
import { setHost } from './store.ts';

/** Builds of other machines are asked for once in a while only, milliseconds: each costs a program over there. */
const COMPARE_EVERY_MS = 10 * 60_000;
const comparedAt = new Map<string, number>();

/** A host too old to say its build is told by its version. */
export async function compareBuilds(name: string): Promise<void> {
  const { host } = client(name);
  if (!host || (name !== LOCAL_HOST && performance.now() - (comparedAt.get(name) ?? Number.NEGATIVE_INFINITY) < COMPARE_EVERY_MS)) return;
  comparedAt.set(name, performance.now());
  try {
    const there = await platform.hostBuild(name);
    const isOther = there !== null && (there.version !== host.version || (host.build ?? there.build) !== there.build);
    setHost(name, { otherBuild: there?.isOlder ? 'install' : isOther ? there : null });
  } catch {
    setHost(name, { otherBuild: null }); // no host program there: then there is nothing to offer
  }
}

/** Puts cmdop onto the host and connects. Resolves with whether it is there; why not is shown with the host. */
export async function installOn(host: string): Promise<boolean> {
  setHost(host, { install: { step: 'Connecting', share: null }, installFailure: null, otherBuild: null });
  try {
    await platform.install(host);
    comparedAt.delete(host);
    client(host).reconnectNow();
    return true;
  } catch (error) {
    setHost(host, { installFailure: error instanceof Error ? error.message : String(error) });
    return false;
  } finally {
    setHost(host, { install: null });
  }
}
