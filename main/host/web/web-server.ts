/**
 * The same interface in a browser: static files and the wire over a WebSocket, on loopback only.
 *
 * Nothing is served without a cookie, and no WebSocket without its key: both are given once, for a one-time token from
 * `web.open`. Host and Origin are checked too, so that no other site can reach it by DNS rebinding or from its own page.
 */
import { createHash, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { z } from 'zod';
import { CmdopError } from '#protocol/errors.ts';
import type { Transport } from '#protocol/transport.ts';
import type { StateFile, StateFiles } from '../state-files.ts';
import { cookiesFor, newSignIn, newWebSockets, SOCKET_PATH, sayLetIn, sendToPage } from './sign-in.ts';
import { pagePolicy, refuse, sendFile } from './web-pages.ts';
import { type Asked, answerRequests, type Raw, refuseUpgrade } from './web-requests.ts';
import { WebSocketTransport } from './web-socket-transport.ts';

const LOOPBACK = '127.0.0.1';
/** A one-time URL works this long, milliseconds. */
const TOKEN_MS = 10 * 60_000;
/** One-time tokens open at a time. */
const MAX_TOKENS = 64;
/** Browsers signed in at a time; the oldest goes first. */
const MAX_COOKIES = 256;

export type WebServerOptions = {
  rendererDir: string;
  /** Where port and sign-ins are kept, so that pages find a host again that crashed. Holds hashes, no cookie. */
  memoryFile: string;
  stateFiles: StateFiles;
  connected: (transport: Transport) => void;
};

const memory = z.object({ port: z.number().int().min(1).max(65535), signedIn: z.array(z.string()).max(MAX_COOKIES) });

export class WebServer {
  readonly #options: WebServerOptions;
  readonly #memory: StateFile<z.infer<typeof memory>>;
  #server: Server | null = null;
  readonly #sockets = newWebSockets();
  /** Unused tokens, when they end, and whose they are. */
  readonly #tokens = new Map<string, { end: number; name: string }>();
  /** Hashes of the cookies given. */
  readonly #signedIn = new Set<string>();

  constructor(options: WebServerOptions) {
    this.#options = options;
    this.#memory = options.stateFiles.open({
      file: options.memoryFile,
      shape: memory,
      whileDamaged: 'no browser is signed in any more; `cmdop web` gives another link',
      whileUnwritten: 'pages need another link after a crash of this host',
    });
  }

  /** `http://127.0.0.1:PORT`, or null while nothing listens. */
  get address(): string | null {
    return this.#port === null ? null : `http://${LOOPBACK}:${this.#port}`;
  }

  /** Listens where the last host did, if it ended without being told to: its pages are waiting. */
  async resume(): Promise<void> {
    const { found } = this.#memory;
    if (!found) return; // never opened, closed on purpose, or damaged
    try {
      await this.#listen(found.port);
      for (const hash of found.signedIn) this.#signedIn.add(hash);
    } catch {
      // The port is taken: `web.open` makes it anew.
    }
  }

  /** A URL that signs one browser in, once, as `name`. Listens if nothing does; `port` 0 or absent is any. */
  async open({ port, name }: { port: number | undefined; name: string }): Promise<{ url: string }> {
    const current = this.#port;
    if (port && current !== null && current !== port) {
      throw new CmdopError(
        'bad-request',
        `the browser interface is open on port ${current} already; leave out --port, or stop the host first`,
      );
    }
    if (current === null) await this.#listen(port ?? 0);
    const now = performance.now();
    for (const [token, { end }] of this.#tokens) if (end < now || this.#tokens.size >= MAX_TOKENS) this.#tokens.delete(token);
    const token = randomBytes(32).toString('base64url');
    this.#tokens.set(token, { end: now + TOKEN_MS, name });
    return { url: `${this.address}/?token=${token}` };
  }

  /** Signs everybody out, unless the next host is to find them: then it can `resume`. */
  close({ isResumed }: { isResumed: boolean }): void {
    if (!isResumed) this.#memory.remove('and the next host knows the browsers that were signed in');
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#server?.close();
    this.#server?.closeAllConnections();
    this.#server = null;
  }

  #listen(port: number): Promise<void> {
    const server = createServer();
    answerRequests(server, {
      request: (asked, response) => this.#request(asked, response),
      upgrade: (asked, raw) => this.#upgrade(asked, raw),
    });
    return new Promise((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) => {
        const why = error.code === 'EADDRINUSE' ? `port ${port} is in use: choose another with --port, or leave it out` : error.message;
        reject(new CmdopError('bad-request', `the browser interface cannot be opened: ${why}`));
      });
      server.listen(port, LOOPBACK, () => {
        server.on('error', (error) => console.error('browser interface:', error));
        this.#server = server;
        resolve();
      });
    });
  }

  #request(asked: Asked, response: ServerResponse): void {
    const { request, pathname, query } = asked;
    if (!this.#isOwnHost(request)) return refuse(response, 403, 'this address is not served');
    if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(response, 405, 'only GET');
    const token = query.get('token');
    if (token !== null) return this.#exchange(token, response);
    if (!this.#isSignedIn(asked))
      return refuse(response, 401, 'This page needs a one-time link: run `cmdop web` in a terminal and open the URL it prints.');
    if (pathname === SOCKET_PATH) return sayLetIn(response);
    const socket = this.address?.replace('http', 'ws') ?? '';
    const { rendererDir } = this.#options;
    sendFile({ rendererDir, pathname, isHead: request.method === 'HEAD', policy: pagePolicy(socket) }, response);
  }

  #exchange(token: string, response: ServerResponse): void {
    const known = this.#tokens.get(token);
    this.#tokens.delete(token);
    if (known === undefined || known.end < performance.now())
      return refuse(response, 401, 'This link was used already or is too old: run `cmdop web` again and open the new one.');
    const { cookie, key } = newSignIn();
    const [oldest] = this.#signedIn;
    if (oldest !== undefined && this.#signedIn.size >= MAX_COOKIES) this.#signedIn.delete(oldest);
    this.#signedIn.add(hashOf(cookie));
    this.#remember();
    sendToPage(response, {
      key,
      // The second one is for the page, and no secret: what the person who asked for the link is called.
      cookies: [
        `${this.#cookieName}=${cookie}; HttpOnly; SameSite=Strict; Path=/`,
        `${this.#cookieName}_name=${encodeURIComponent(known.name)}; SameSite=Strict; Path=/`,
      ],
    });
  }

  #upgrade(asked: Asked, { socket, head }: Raw): void {
    const { request, pathname } = asked;
    const isOwn = this.#isOwnHost(request) && request.headers.origin === this.address && pathname === SOCKET_PATH;
    if (!isOwn || !this.#isSignedIn(asked)) return refuseUpgrade(socket, '403 Forbidden');
    this.#sockets.handleUpgrade(request, socket, head, (webSocket) => this.#options.connected(new WebSocketTransport(webSocket)));
  }

  get #port(): number | null {
    const address = this.#server?.address();
    return address && typeof address !== 'string' ? address.port : null;
  }

  #isOwnHost(request: IncomingMessage): boolean {
    return this.address !== null && `http://${request.headers.host}` === this.address;
  }

  #isSignedIn(asked: Asked): boolean {
    // Compared by hash: how long it takes tells nothing of the cookie.
    return cookiesFor(asked, this.#cookieName).some((cookie) => this.#signedIn.has(hashOf(cookie)));
  }

  #remember(): void {
    if (this.#port !== null) this.#memory.write({ port: this.#port, signedIn: [...this.#signedIn] });
  }

  /** Cookies do not know ports: two hosts on one machine must not overwrite each other's. */
  get #cookieName(): string {
    return `cmdop_${this.#port}`;
  }
}

const hashOf = (cookie: string) => createHash('sha256').update(cookie).digest('hex');
