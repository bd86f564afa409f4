/** A port of another machine through whatever reaches it: here a command whose stdio is the byte stream, as `docker exec` is. */
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ListeningPort } from '#protocol/ports.ts';
import { fetchBody, serverCommand } from '../process/port-world.ts';
import { startCmdop, type TestCmdop } from '../process/start-cmdop.ts';

let near: TestCmdop;
let far: TestCmdop;
beforeAll(async () => {
  [near, far] = await Promise.all([startCmdop({ actor: 'ann' }), startCmdop()]);
  const command = ['env', `CMDOP_HOME=${far.home}`, join(far.home, 'bin', 'cmdop'), 'bridge'];
  await near.ok('hosts', 'add', 'box', '--', ...command);
});
afterAll(async () => {
  await near.dispose();
  await far.dispose();
});

test('3 MB come through a bridge as they were, and the journal over there says who had them', async () => {
  const body = "response.end(Buffer.alloc(3e6, 'over there '))";
  await near.ok('new', 'web', '-H', 'box', '--detach', '--', ...serverCommand('http', body));
  let ports: ListeningPort[] = [];
  while (ports.length === 0) ports = await near.json<ListeningPort[]>('ports', 'cmdop://box/web');
  const child = near.start('forward', 'cmdop://box/web', String(ports[0]?.port), '--json');
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const { localPort } = JSON.parse(line.toString()) as { localPort: number };
  expect((await fetchBody(localPort)).equals(Buffer.alloc(3e6, 'over there '))).toBe(true);
  const exited = once(child, 'exit');
  child.kill('SIGINT');
  expect(await exited).toEqual([0, null]);
  const log = await far.ok('log', 'web', '--events');
  expect(log).toMatch(/forward .* ann \(cli\) +\{"port":\d+,"is":"opened"\}/);
  expect(log).toMatch(/forward .* ann \(cli\) .*"is":"closed","connections":1,"bytesFrom":3\d{6}/);
});
