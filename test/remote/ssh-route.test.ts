/** The way to a host: straight, over hops, through commands; each hop is checked by itself, and what fails is a sentence. */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { answering } from './answers.ts';
import { closed, hopLines, type OpenOptions, RouteWorld, run } from './route-world.ts';
import { freePort, newKey, type Sshd } from './sshd.ts';

let world: RouteWorld;
let sshd: Sshd;
let hop: Sshd;
beforeAll(async () => {
  world = await RouteWorld.start();
  ({ sshd, hop } = world);
});
afterEach(() => world.cleanUp());
afterAll(() => world.dispose());

const open = (options: OpenOptions = {}) => world.open(options);

describe('the way', () => {
  test('leads over a hop, which is checked and logged in to by itself', async () => {
    const link = await open({ lines: ['ProxyJump gate'], more: hopLines('gate', hop.port) });
    expect(link.describe()).toContain(`${sshd.user}@127.0.0.1:${sshd.port} via gate, key`);
    // What arrives there comes from the hop, and the hop knows us.
    expect(hop.connections()).toHaveLength(1);
    expect(await run(link, 'echo $SSH_CONNECTION')).toMatch(new RegExp(`${sshd.port}$`));
    const ended = closed(link);
    link.close();
    expect(await ended).toBeUndefined();
    await expect.poll(() => [hop.connections().length, sshd.connections().length], { timeout: 5_000 }).toEqual([0, 0]);
  });

  test('leads over several hops, the first of which has one of its own', async () => {
    const more = [...hopLines('outer', hop.port), ...hopLines('first', sshd.port, ['  ProxyJump outer']), ...hopLines('second', hop.port)];
    const link = await open({ lines: ['ProxyJump first,second'], more });
    expect(link.login.via).toEqual(['outer', 'first', 'second']);
    expect(await run(link, 'echo here')).toBe('here');
  });

  test('asks for the key of each, the hop first, and refuses a hop that changed', async () => {
    const ask = answering({ hostKey: true });
    await open({ lines: ['ProxyJump gate'], more: hopLines('gate', hop.port), ask, isKnown: false });
    expect(ask.hostKeys.map(({ port }) => port)).toEqual([hop.port, sshd.port]);
    const other = newKey({ folder: world.folder, name: `other-${randomBytes(3).toString('hex')}` });
    const knownHosts = join(world.folder, 'known-changed');
    writeFileSync(knownHosts, `[127.0.0.1]:${hop.port} ${other.publicLine}\n`);
    const more = hopLines('gate', hop.port, [`  UserKnownHostsFile ${knownHosts}`]);
    await expect(open({ lines: ['ProxyJump gate'], more })).rejects.toMatchObject({
      code: 'host-key',
      message: expect.stringContaining('CHANGED'),
    });
  });

  test('that is a circle is refused', async () => {
    const more = [...hopLines('a', hop.port, ['  ProxyJump b']), ...hopLines('b', hop.port, ['  ProxyJump a'])];
    await expect(open({ lines: ['ProxyJump a'], more })).rejects.toMatchObject({ message: expect.stringContaining('circle') });
  });

  test('ends at a hop that cannot go on: which, and where to', async () => {
    const port = await freePort();
    await expect(open({ lines: ['ProxyJump gate', `Port ${port}`], more: hopLines('gate', hop.port) })).rejects.toMatchObject({
      code: 'host-unreachable',
      message: expect.stringContaining(`gate cannot reach 127.0.0.1 port ${port}`),
    });
    await expect.poll(() => hop.connections().length, { timeout: 5_000 }).toBe(0);
  });

  test('leads through a command of the user', async () => {
    const script = `${process.execPath} -e 'const s=require("net").connect(+process.argv[2],process.argv[1]);process.stdin.pipe(s).pipe(process.stdout)' %h %p`;
    const link = await open({ lines: [`ProxyCommand ${script}`] });
    expect(await run(link, 'echo through')).toBe('through');
  });

  test('through a command that fails is told in its own words', async () => {
    await expect(open({ lines: ["ProxyCommand sh -c 'echo no route today >&2; exit 1'"] })).rejects.toMatchObject({
      code: 'host-unreachable',
      message: expect.stringContaining('failed (no route today): check ProxyCommand'),
    });
  });

  test('to a port where nobody listens, and to a name that nobody knows: a sentence each', async () => {
    const port = await freePort();
    await expect(open({ lines: [`Port ${port}`] })).rejects.toMatchObject({
      code: 'host-unreachable',
      message: expect.stringContaining('is sshd running there'),
    });
    await expect(open({ lines: ['HostName no-such-host.invalid'] })).rejects.toMatchObject({
      code: 'host-unreachable',
      message: expect.stringContaining('no-such-host.invalid is not known'),
    });
  });

  test('of the wrong family is not taken', async () => {
    await expect(open({ lines: ['HostName localhost', 'AddressFamily inet6'] })).rejects.toMatchObject({ code: 'host-unreachable' });
  });
});
