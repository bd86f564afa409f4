/** Another machine on a network of its own with this one, as a network namespace: what runs there is reached by address alone. Linux, as root. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';

/** Networks of 198.18.0.0/15, which is set aside for tests (RFC 2544). */
const NETWORKS = 512;

export type SecondMachine = {
  /** Addresses of this machine there; it has the first one to begin with. */
  readonly here: readonly [string, string];
  readonly there: string;
  /** This machine's network device there, its only way to the other one. */
  readonly device: string;
  /** What runs the command behind it over there. */
  readonly within: readonly string[];
  dispose(): void;
};

export const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8', stdio: 'pipe' });

export function canHaveSecondMachine(): boolean {
  try {
    execFileSync('unshare', ['--net', 'ip', 'link', 'set', 'lo', 'up'], { stdio: 'ignore' });
    return true;
  } catch {
    return false; // not Linux, not root, or forbidden here
  }
}

/** It ends with the last process in it, so one that is killed leaves no device behind that stands in the way of the next. */
export async function startSecondMachine(): Promise<SecondMachine> {
  const network = freeNetwork();
  const [device, theirs] = [`cmdop-${network.join('-')}`, `cmdop-${network.join('-')}f`];
  const address = (host: number) => `198.${network.join('.')}.${host}`;
  const [whole, there, here] = [`${address(0)}/24`, address(1), [address(2), address(3)] as const];
  // It lasts as long as its input, which ends with this process.
  const holder = spawn('unshare', ['--net', 'sh', '-c', 'echo; exec cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(holder.stdout, 'data'); // before that it is still in the network of this machine
  const within = ['nsenter', `--target=${holder.pid}`, '--net'];
  const overThere = (...args: string[]) => execFileSync('nsenter', [...within.slice(1), 'ip', ...args], { stdio: 'pipe' });
  const dispose = () => {
    for (const each of [`link del ${device}`, `route del blackhole ${whole}`]) {
      try {
        ip(...each.split(' '));
      } catch {
        // it was never made
      }
    }
    holder.kill();
  };
  try {
    ip('link', 'add', device, 'type', 'veth', 'peer', 'name', theirs, 'netns', String(holder.pid));
    ip('addr', 'add', `${here[0]}/24`, 'dev', device);
    ip('link', 'set', device, 'up');
    // Without it, what is sent while the device is down would leave by another one.
    ip('route', 'add', 'blackhole', whole, 'metric', '9999');
    overThere('addr', 'add', `${there}/24`, 'dev', theirs);
    for (const each of [theirs, 'lo']) overThere('link', 'set', each, 'up');
  } catch (error) {
    dispose();
    throw error;
  }
  return { here, there, device, within, dispose };
}

/** Second and third byte of one that nothing has a way to: another run may be at work, or may have left a route. */
function freeNetwork(): [number, number] {
  const routes = ip('route', 'show', 'table', 'all');
  for (let tried = 0; tried < NETWORKS; tried += 1) {
    const at = (process.pid + tried) % NETWORKS;
    const network: [number, number] = [18 + (at >> 8), at & 255];
    if (!routes.includes(`198.${network.join('.')}.`)) return network;
  }
  throw new Error(
    `all ${NETWORKS} networks of 198.18.0.0/15 have routes: remove those of ended tests with \`ip link del\` and \`ip route del\``,
  );
}
