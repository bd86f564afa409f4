/**
 * What a browser has that was let in: a cookie, which it sends by itself, and a key, of which the cookie is the hash.
 *
 * Browsers send a cookie to every port of its address, also to those that another account of the machine serves. The page
 * keeps the key, and gives it to the scheme, address and port that it came from alone. So the cookie gets the files of the
 * page, which are no secrets, and only both together open a WebSocket.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { WebSocketServer } from 'ws';
import { MAX_FRAME_BYTES } from '#protocol/frames.ts';
import { HEADERS } from './web-pages.ts';
import type { Asked } from './web-requests.ts';

/** Where a page opens its WebSocket, and asks why it could not: that answer no browser shows it. */
export const SOCKET_PATH = '/ws';
/** The subprotocol that is spoken; a page offers its key as a second one, since it can send nothing else with a WebSocket. */
const SUBPROTOCOL = 'cmdop';

export type SignIn = { cookie: string; key: string };

export function newSignIn(): SignIn {
  const key = randomBytes(32).toString('base64url');
  return { key, cookie: cookieOf(key) };
}

/** The cookies of that name, if they let in where they are sent: without their key only to files. */
export function cookiesFor({ request, pathname }: Asked, name: string): string[] {
  const pairs = (request.headers.cookie ?? '').split(/;\s*/).map((pair) => pair.split('='));
  const cookies = pairs.flatMap(([of, value]) => (of === name && value !== undefined ? [value] : []));
  if (pathname !== SOCKET_PATH) return cookies;
  const key = keyOf(request);
  return key === null ? [] : cookies.filter((cookie) => isSame(cookie, cookieOf(key)));
}

/** Sends the browser to its page, with the key where only the page finds it: what follows `#` is sent to nobody. */
export function sendToPage(response: ServerResponse, given?: { key: string; cookies: string[] }): void {
  const location = given ? { Location: `/#key=${given.key}`, 'Set-Cookie': given.cookies } : { Location: '/' };
  response.writeHead(303, { ...HEADERS, ...location });
  response.end();
}

/** The answer to a page that asks why its WebSocket could not be opened, and would be let in. */
export function sayLetIn(response: ServerResponse): void {
  response.writeHead(204, HEADERS);
  response.end();
}

export const newWebSockets = () =>
  new WebSocketServer({
    noServer: true,
    maxPayload: MAX_FRAME_BYTES + 64,
    perMessageDeflate: false,
    handleProtocols: (offered) => offered.has(SUBPROTOCOL) && SUBPROTOCOL, // never the key
  });

function keyOf({ headers: { authorization = '', 'sec-websocket-protocol': offered = '' } }: IncomingMessage): string | null {
  return (/(?:^|,)\s*key\.([\w-]+)\s*(?:,|$)/.exec(offered) ?? /^Bearer ([\w-]+)$/.exec(authorization))?.[1] ?? null;
}

const cookieOf = (key: string): string => createHash('sha256').update(key).digest('base64url');
/** How long it takes tells nothing. */
const isSame = (a: string, b: string) => a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
