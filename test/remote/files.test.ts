/** A file to another machine and back, by the command line over a real sshd, while the network is cut under it. */
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Far, startFar } from './far.ts';
import { type Network, startNetwork } from './network.ts';
import { type ClientFolder, clientFolder } from './sshd.ts';

let far: Far;
let network: Network;
let ssh: ClientFolder;
beforeAll(async () => {
  far = await startFar();
  network = await startNetwork(far.sshd.port);
  const knownHostsLines = far.sshd.knownHostsLines.map((line) => line.replace(`:${far.sshd.port} `, `:${network.port} `));
  ssh = clientFolder({ ...far.sshd, port: network.port, knownHostsLines });
  cpSync(join(ssh.folder, '.ssh'), join(far.near.home, '.ssh'), { recursive: true });
  mkdirSync(join(far.home, 'api'));
  await far.near.ok('new', 'api', '-H', 'devbox', '--detach');
});
afterAll(async () => {
  network.dispose();
  await far.dispose();
  rmSync(ssh.folder, { recursive: true, force: true });
});

test('cp -H goes on by itself after every cut, and the hash is the same on both sides', async () => {
  const bytes = randomBytes(16 * 1024 * 1024);
  const hash = createHash('sha256').update(bytes).digest('hex');
  const here = join(far.near.home, 'work');
  writeFileSync(join(here, 'big'), bytes);
  /** Runs it, and cuts the network once `folder` holds a third of the file, and again at two thirds. */
  const copied = async (args: readonly string[], folder: string) => {
    const before = network.connections;
    const child = spawn('cmdop', ['cp', ...args, '--json'], { env: far.near.env, cwd: here, stdio: ['ignore', 'pipe', 'inherit'] });
    let cuts = 0;
    const looking = setInterval(() => {
      const partial = readdirSync(folder).find((name) => /cmdop-(up|down)load/.test(name));
      const { size } = (partial && statSync(join(folder, partial), { throwIfNoEntry: false })) || { size: 0 };
      if (cuts >= 2 || size <= (bytes.length * (cuts + 1)) / 3) return;
      cuts++;
      network.cut();
    }, 5);
    const [said] = await Promise.all([child.stdout.setEncoding('utf8').toArray(), once(child, 'close')]);
    clearInterval(looking);
    return { ...JSON.parse(said.join('')), cuts, connections: network.connections - before };
  };
  network.setRate(30_000_000);
  expect(await copied(['-H', 'devbox', 'big', 'api:api'], join(far.home, 'api'))).toMatchObject({ sha256: hash, cuts: 2, connections: 3 });
  expect(
    createHash('sha256')
      .update(readFileSync(join(far.home, 'api', 'big')))
      .digest('hex'),
  ).toBe(hash);
  expect(await copied(['cmdop://devbox/api:api/big', 'back'], here)).toMatchObject({ sha256: hash, cuts: 2, connections: 3 });
  expect(
    createHash('sha256')
      .update(readFileSync(join(here, 'back')))
      .digest('hex'),
  ).toBe(hash);
  expect(readdirSync(here).sort()).toEqual(['back', 'big']);
});
