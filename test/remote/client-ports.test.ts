/** `cmdop/client` waits for a port of another machine, over a real sshd: it opens late, and the link breaks meanwhile. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { nodePath } from '#local/runtime.ts';
import { type Far, startFar } from './far.ts';

let far: Far;
beforeAll(async () => {
  far = await startFar();
  await far.near.ok('new', 'web', '-H', 'devbox', '--detach');
});
afterAll(() => far.dispose());

const PROGRAM = `import { connect } from ${JSON.stringify(pathToFileURL(resolve('dist/client.mjs')).href)};
const [port, timeoutMs] = process.argv.slice(1).map(Number);
await using cmdop = await connect({ host: 'devbox', name: 'waiter' });
await using session = await cmdop.session('web');
console.log('waiting');
console.log(await session.waitFor({ port }, { timeoutMs }).then(() => 'open', ({ code }) => code));
`;

function waiter(port: number, timeoutMs: number) {
  const args = ['--input-type=module', '-e', PROGRAM, String(port), String(timeoutMs)];
  const child = spawn(nodePath(), args, { env: far.near.env, stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (bytes: Buffer) => {
    said += bytes;
  });
  const says = async (word: string) => {
    while (!said.includes(word)) await once(child.stdout, 'data');
  };
  return { says, ended: once(child, 'close').then(() => said) };
}

/** Closed again: nothing listens on it. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address ? address.port : 0;
}

test('a server that starts after the link was cut ends the wait; a port that nothing opens does not', async () => {
  const port = await freePort();
  const [found, missed] = [waiter(port, 60_000), waiter(await freePort(), 1_500)];
  await Promise.all([found.says('waiting'), missed.says('waiting')]);
  far.sshd.cutConnections();
  const server = `require('net').createServer().listen(${port}, '127.0.0.1')`;
  await far.near.ok('send', 'cmdop://devbox/web', `exec ${nodePath()} -e "${server}"`, '--enter');
  expect(await found.ended).toBe('waiting\nopen\n');
  expect(await missed.ended).toBe('waiting\ntimeout\n');
});
