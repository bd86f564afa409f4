/**
 * What comes to a server for browsers, from anybody who can reach it: no bytes of theirs end the host. A target that is no
 * path is refused; what fails all the same ends its own connection, and is in the log.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { refuse } from './web-pages.ts';

export type Asked = { request: IncomingMessage; pathname: string; query: URLSearchParams };
/** Of a connection that is to become a WebSocket; `head`: what has come of it already. */
export type Raw = { socket: Duplex; head: Buffer };

export type Answers = {
  request(asked: Asked, response: ServerResponse): void;
  upgrade(asked: Asked, raw: Raw): void;
};

/** Whatever `answers` throws is told to who asked, as far as it still can be. */
export function answerRequests(server: Server, answers: Answers): void {
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    try {
      const asked = askedBy(request);
      if (asked) answers.request(asked, response);
      else refuse(response, 400, `${request.url} is no path: ask for one that begins with /`);
    } catch (error) {
      console.error('a request could not be answered:', error);
      if (response.headersSent) response.destroy();
      else refuse(response, 500, 'the host failed at this request: its log says why');
    }
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    try {
      const asked = askedBy(request);
      if (asked) answers.upgrade(asked, { socket, head });
      else refuseUpgrade(socket, '400 Bad Request');
    } catch (error) {
      console.error('a WebSocket could not be opened:', error);
      socket.destroy();
    }
  });
}

export function refuseUpgrade(socket: Duplex, status: '400 Bad Request' | '403 Forbidden'): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

/** Null where the target is no path. `//` begins a path as `/` does, and no name of a machine. */
function askedBy(request: IncomingMessage): Asked | null {
  const { url = '' } = request;
  const target = url.startsWith('/') ? URL.parse(`http://host${url}`) : null;
  return target && { request, pathname: target.pathname, query: target.searchParams };
}
