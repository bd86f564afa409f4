/** Bytes of strangers to the servers for browsers, with a cookie and without: each is answered or hung up on, and the host goes on. */
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Engine, openEngine, type Person } from './engine.ts';
import { accept, ask } from './link-browser.ts';

/** What the servers give and get: where, and with what a browser that was let in is known. */
type Place = { url: URL; cookie: string };

let engine: Engine;
let ann: Person;
const places = new Map<string, Place>();
beforeAll(async () => {
  engine = openEngine();
  await engine.startHost();
  ann = engine.person('ann');
  await ann.client.request('session.create', { name: 'build', command: ['cat'], cwd: '/' });
  const own = new URL((await ann.client.request('web.open', {})).url);
  places.set('the owner’s', { url: own, cookie: (await ask(own)).cookie });
  const link = new URL((await ann.client.request('share.link', { session: 'build', name: 'eve' })).url);
  places.set('the guests’', { url: link, cookie: (await accept(link)).cookie });
});
afterAll(() => engine.dispose());

const TARGETS = [
  '//',
  '///',
  '/\\',
  '\\',
  'http://[',
  'http://',
  'a:b',
  '*',
  '?',
  '/%',
  '/%ff',
  '/\u0001',
  '/?token=%',
  '/?%zz',
  '/join/%',
  '//[',
];
const UPGRADE = 'Connection: Upgrade\r\nUpgrade: websocket\r\n';
const WEBSOCKET = `${UPGRADE}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n`;

/** Request lines and headers, without the Host and the cookie that they are sent with. */
const REQUESTS: readonly string[] = [
  ...TARGETS.flatMap((target) => [`GET ${target} HTTP/1.1\r\n`, `POST ${target} HTTP/1.1\r\n`, `GET ${target} HTTP/1.1\r\n${WEBSOCKET}`]),
  'OPTIONS * HTTP/1.1\r\n',
  'CONNECT [ HTTP/1.1\r\n',
  'GET / HTTP/1.1\r\nExpect: 100-continue\r\n',
  'GET / HTTP/1.1\r\nExpect: nothing\r\n',
  'GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n',
  ...['=', ';;;', 'a=%', `a=${'b'.repeat(12_000)}`, `${'a=b;'.repeat(3_000)}`].map((cookie) => `GET / HTTP/1.1\r\nCookie: ${cookie}\r\n`),
  `GET /${'a'.repeat(12_000)} HTTP/1.1\r\n`,
  `GET /${'a'.repeat(100_000)} HTTP/1.1\r\n`,
  ...['', '[', ']', ':', 'a:99999', '[::1]', 'http://['].map((host) => `GET / HTTP/1.1\r\nHost: ${host}\r\n`),
  'GET /ws HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n',
  `GET /ws HTTP/1.1\r\n${UPGRADE}`,
  `POST /ws HTTP/1.1\r\n${WEBSOCKET}`,
  `GET /ws HTTP/1.1\r\n${UPGRADE}Sec-WebSocket-Version: 99\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n`,
  `GET /ws HTTP/1.1\r\n${UPGRADE}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: no key\r\n`,
  ...[',', 'cmdop,', 'cmdop, cmdop', '\u00e9', 'a'.repeat(12_000)].map(
    (protocols) => `GET /ws HTTP/1.1\r\n${WEBSOCKET}Sec-WebSocket-Protocol: ${protocols}\r\n`,
  ),
  `GET /ws HTTP/1.1\r\n${WEBSOCKET}Sec-WebSocket-Extensions: ;;;\r\n`,
  `GET /ws HTTP/1.1\r\n${WEBSOCKET}Origin: http://[\r\n`,
  `GET /ws HTTP/1.1\r\n${WEBSOCKET}Origin: null\r\nOrigin: null\r\n`,
];

describe.each(['the owner’s', 'the guests’'])('%s server', (which) => {
  test.each([false, true])('no request ends the host; with a cookie: %s', async (isKnown) => {
    const { url, cookie } = places.get(which) as Place;
    const pid = engine.host?.pid;
    for (const asked of REQUESTS) {
      const origin = asked.includes('Origin:') ? '' : `Origin: ${url.origin}\r\n`;
      const host = asked.includes('Host:') ? '' : `Host: ${url.host}\r\n`;
      const known = isKnown ? `Cookie: ${cookie}\r\n` : '';
      await said(url, `${asked}${host}${origin}${known}${asked.includes('Connection:') ? '' : 'Connection: close\r\n'}\r\n`);
      const next = await ask(new URL('/nothing', url), { cookie }).catch((error: Error) => error);
      expect(next, JSON.stringify(asked.slice(0, 80))).toMatchObject({ status: 404 });
    }
    expect((await ann.client.request('host.status', {})).pid).toBe(pid);
  });

  test.each(['http://[', 'http://127.0.0.1/', '*'])('%s, which is no path, is refused with a sentence', async (target) => {
    const { url, cookie } = places.get(which) as Place;
    for (const known of ['', `Cookie: ${cookie}\r\n`]) {
      const answer = await said(url, `GET ${target} HTTP/1.1\r\nHost: ${url.host}\r\n${known}Connection: close\r\n\r\n`);
      expect(answer).toMatch(/^HTTP\/1\.1 400 /);
      expect(answer).toContain(`${target} is no path`);
    }
  });
});

/** Everything that is said to `bytes`, until the other side hangs up; a WebSocket that is opened gets more that is none. */
function said(url: URL, bytes: string): Promise<string> {
  return new Promise((settle) => {
    let text = '';
    const socket = connect(Number(url.port), url.hostname, () => socket.write(Buffer.from(bytes, 'latin1')));
    socket.on('data', (part: Buffer) => {
      if (text === '' && part.includes(' 101 ')) socket.write(Buffer.alloc(4_096, 0xff));
      text += part.toString('latin1');
    });
    socket.on('error', () => {}); // the close follows
    socket.on('close', () => settle(text));
  });
}
