/** What a browser does with the link of a guest, over HTTP and the WebSocket, and what others would like to. */
import { request } from 'node:http';
import { WebSocket } from 'ws';
import type { ClientOptions } from '#client/client-options.ts';
import type { Transport, TransportListener } from '#protocol/transport.ts';
import { WebSocketTransport } from '../../main/host/web/web-socket-transport.ts';

/** What a browser that was let in has: `cookie` as it sends it, and the key that its page keeps. */
export type SignIn = { cookie: string; key: string };
type Answer = { status: number; body: string } & SignIn;
type Asked = { method?: string; origin?: string; host?: string } & Partial<SignIn>;

export function ask(url: URL, { method = 'GET', origin, cookie, key, host }: Asked = {}): Promise<Answer> {
  const authorization = key ? { authorization: `Bearer ${key}` } : {};
  const headers = { ...(origin ? { origin } : {}), ...(cookie ? { cookie } : {}), ...(host ? { host } : {}), ...authorization };
  return new Promise((settle, reject) => {
    const asked = request(url, { method, headers }, (answer) => {
      let body = '';
      answer.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      const [cookieOf = ''] = answer.headers['set-cookie'] ?? [];
      const key = /^\/#key=(.+)$/.exec(answer.headers.location ?? '')?.[1] ?? '';
      answer.on('end', () => settle({ status: answer.statusCode ?? 0, body, cookie: cookieOf.split(';')[0] ?? '', key }));
    });
    asked.on('error', reject).end();
  });
}

/** `open`, or the status with which the WebSocket is refused. */
export function socketTo(url: URL, { origin = url.origin, host, cookie = '', key }: Asked): Promise<'open' | number> {
  return new Promise((settle, reject) => {
    const headers = { cookie, ...(host ? { host } : {}) };
    const socket = new WebSocket(`ws://${url.host}/ws`, key === undefined ? [] : ['cmdop', `key.${key}`], { origin, headers });
    socket.on('open', () => {
      socket.terminate();
      settle('open');
    });
    socket.on('unexpected-response', (_request, { statusCode }) => {
      socket.terminate();
      settle(statusCode ?? 0);
    });
    socket.on('error', reject);
  });
}

/** Presses the button of the link's page. */
export async function accept(url: URL): Promise<Answer> {
  const accepted = await ask(url, { method: 'POST', origin: url.origin });
  if (accepted.status !== 303) throw new Error(`the link was not taken: ${accepted.status} ${accepted.body}`);
  return accepted;
}

/** How a page that was let in comes to its host. */
export function browser(url: URL, { cookie, key }: SignIn): Pick<ClientOptions, 'connect' | 'reconnect'> {
  const connect = () =>
    new Promise<Transport>((settle, reject) => {
      const socket = new WebSocket(`ws://${url.host}/ws`, ['cmdop', `key.${key}`], { origin: url.origin, headers: { cookie } });
      socket.once('open', () => {
        socket.pause();
        settle(new PageTransport(socket));
      });
      socket.once('error', reject);
    });
  return { connect, reconnect: false };
}

/** The host may speak at once: nothing is read before somebody listens. */
class PageTransport extends WebSocketTransport {
  override listen(listener: TransportListener): void {
    super.listen(listener);
    this.resume();
  }
}
