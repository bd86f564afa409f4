/** Ports that listen, as the system tells them, and the addresses that programs print for them. */
import { createServer, type Server } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { isListening, listeningSockets, readLsof, socketsOf } from '#local/listening.ts';
import { PrintedUrls } from '#session/printed-urls.ts';
import { reachableAt } from '../../main/host/ports/reachable.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

function listen(host: string): Promise<number> {
  const server = createServer();
  servers.push(server);
  return new Promise((resolve) =>
    server.listen(0, host, () => {
      const address = server.address();
      resolve(address && typeof address !== 'string' ? address.port : 0);
    }),
  );
}

test.runIf(process.platform === 'linux')('a port is found with its address and its process, until it is closed', async () => {
  for (const address of ['127.0.0.1', '0.0.0.0', '::', '::1']) {
    const port = await listen(address);
    const all = await listeningSockets();
    expect((await socketsOf([1, process.pid], all)).filter((socket) => socket.port === port)).toEqual([
      { id: expect.any(String), port, address, pid: process.pid },
    ]);
    expect(await isListening(port)).toBe(true);
    servers.pop()?.close();
    expect(await isListening(port)).toBe(false);
  }
});

test('lsof on macOS is read', () => {
  expect(readLsof('p12\nf7\ntIPv4\nn*:3000\nf9\ntIPv6\nn*:3001\nf8\ntIPv6\nn[::1]:9229\np13\nf3\ntIPv4\nn127.0.0.1:80\n')).toEqual([
    { id: '12 n*:3000', pid: 12, port: 3000, address: '0.0.0.0' },
    { id: '12 n*:3001', pid: 12, port: 3001, address: '::' },
    { id: '12 n[::1]:9229', pid: 12, port: 9229, address: '::1' },
    { id: '13 n127.0.0.1:80', pid: 13, port: 80, address: '127.0.0.1' },
  ]);
});

test.each([
  ['on every address of IPv4', ['0.0.0.0'], [], ['127.0.0.1']],
  ['on every address of both', ['::'], [], ['::1', '127.0.0.1']],
  ['one by one', ['::', '0.0.0.0'], [], ['::1', '127.0.0.1']],
  ['on one address', ['::1'], ['127.0.0.1', '::'], ['::1']],
  ['where another has IPv4', ['::'], ['0.0.0.0'], ['::1']],
  ['where another has 127.0.0.1', ['::'], ['127.0.0.1'], ['::1']],
  ['where another has ::1', ['::'], ['::1'], ['127.0.0.1']],
  ['where another has both loopbacks', ['::'], ['::1', '127.0.0.1'], []],
  ['where another listens more precisely', ['0.0.0.0'], ['127.0.0.1'], []],
  ['where another listens less precisely', ['127.0.0.1'], ['0.0.0.0', '::'], ['127.0.0.1']],
  ['where another has the same address', ['127.0.0.1'], ['127.0.0.1'], []],
  ['where another has an address of the network', ['0.0.0.0'], ['192.0.2.1'], ['127.0.0.1']],
])('a listener is reached where only it answers: %s', (_name, own, others, addresses) => {
  const ids = (whose: string, bound: string[]) => bound.map((address, n) => ({ id: `${whose} ${n}`, address }));
  const [mine, theirs] = [ids('own', own), ids('other', others)];
  expect(reachableAt(mine, [...theirs, ...mine])).toEqual(addresses);
});

test.each([
  ['plain', 'Listening on http://localhost:3000\r\n', 3000, 'http://localhost:3000'],
  ['with a path and a query', 'open http://127.0.0.1:8888/lab?token=a1b2 now\n', 8888, 'http://127.0.0.1:8888/lab?token=a1b2'],
  ['with colours inside', '  Local: \x1b[36mhttp://localhost:\x1b[1m5173\x1b[22m/\x1b[39m\n', 5173, 'http://localhost:5173/'],
  ['at the end of a sentence', 'It runs (http://localhost:4000/docs).\n', 4000, 'http://localhost:4000/docs'],
  ['of every address', 'Serving HTTP on 0.0.0.0 port 8000 (http://0.0.0.0:8000/) ...\n', 8000, 'http://localhost:8000/'],
  ['behind a text', '\x1b]8;;http://localhost:6006/?path=a\x1b\\Storybook\x1b]8;;\x1b\\', 6006, 'http://localhost:6006/?path=a'],
])('an address is read: %s', (_name, text, port, url) => {
  const whole = new PrintedUrls();
  whole.read(bytes(text));
  expect(whole.get(port)).toBe(url);
  const pieces = new PrintedUrls();
  if (!text.includes('\x1b]8')) {
    for (const byte of bytes(text)) pieces.read(Uint8Array.of(byte));
    expect(pieces.get(port)).toBe(url);
  }
});

test('addresses of other machines, other schemes and impossible ports are not', () => {
  const urls = new PrintedUrls();
  urls.read(bytes('http://evil.example:3000/ http://localhost.evil.example:3000/ javascript://localhost:3000/ http://localhost:99999/\n'));
  urls.read(bytes('http://localhost:3000.evil.example/ \n'));
  expect([urls.get(3000), urls.get(99_999)]).toEqual([null, null]);
});

test('a port is not half of its number', () => {
  const urls = new PrintedUrls();
  urls.read(bytes('http://localhost:51'));
  expect(urls.get(51)).toBeNull();
  urls.read(bytes('73/\n'));
  expect([urls.get(51), urls.get(5173)]).toEqual([null, 'http://localhost:5173/']);
});
