/**
 * Browser links of guests, at one address that the owner named: one person, one session, one role, until it ends.
 *
 * A link is accepted with a button, so that whoever only looks at it (a chat that shows a preview) does not use it up. The
 * browser that accepts it gets a cookie and its key: without the one nothing is served, without the other no WebSocket.
 * Origin and Host must be this very address.
 */
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { isLoopback } from '#local/networks.ts';
import { CmdopError } from '#protocol/errors.ts';
import type { Grant } from '#protocol/sharing.ts';
import type { Transport } from '#protocol/transport.ts';
import { cookiesFor, newSignIn, newWebSockets, SOCKET_PATH, sayLetIn, sendToPage } from '../web/sign-in.ts';
import { HEADERS, pagePolicy, refuse, sendFile } from '../web/web-pages.ts';
import { type Asked, answerRequests, type Raw, refuseUpgrade } from '../web/web-requests.ts';
import { WebSocketTransport } from '../web/web-socket-transport.ts';
import { ACCEPT_POLICY, acceptPage } from './accept-page.ts';
import { grantOf, type Invites, type LinkPlace, type StoredInvite } from './invites.ts';
import { LinkStrangers } from './link-strangers.ts';

/** At a time, guests and those who are not known yet: strangers can reach this. */
const MAX_CONNECTIONS = 1024;
/** How long a request of somebody known may take, and how often that is looked at, milliseconds. */
const REQUEST_MS = 10_000;
const LOOK_EVERY_MS = 1_000;

const NOT_INVITED = 'This page is for invited people: open the link that you were sent. If it worked before, ask for another.';

export type LinkServerOptions = {
  place: LinkPlace;
  rendererDir: string;
  invites: Invites;
  sessionName(invite: StoredInvite): string | null;
  accepted(invite: StoredInvite): void;
  refused(message: string): void;
  admit(transport: Transport, grant: Grant): void;
};

export class LinkServer {
  readonly #options: LinkServerOptions;
  #server: Server | null = null;
  readonly #sockets = newWebSockets();

  readonly #strangers: LinkStrangers;

  constructor(options: LinkServerOptions) {
    this.#options = options;
    this.#strangers = new LinkStrangers(options);
  }

  get port(): number {
    const address = this.#server?.address();
    return address && typeof address !== 'string' ? address.port : this.#options.place.port;
  }
  /** `https://box:8443`, as it stands in a link. */
  get origin(): string {
    const { address, tls } = this.#options.place;
    const shown = isAny(address) ? hostname() : address;
    return `${tls ? 'https' : 'http'}://${isIP(shown) === 6 ? `[${shown}]` : shown}:${this.port}`;
  }
  /** What the owner should know before sending a link; null where nothing is to fear. */
  get warning(): string | null {
    const { address, tls } = this.#options.place;
    if (tls || isLoopback(address)) return null;
    return `${address} is not this machine alone and has no TLS: whoever is on the way can read along and take the session; give --tls-cert and --tls-key, or let the guest come through ssh -L`;
  }

  /** Throws `bad-request`. */
  async listen(): Promise<void> {
    const { address, port, tls } = this.#options.place;
    let server: Server;
    try {
      const options = { connectionsCheckingInterval: LOOK_EVERY_MS };
      server = tls ? createSecureServer({ ...options, cert: readFileSync(tls.cert), key: readFileSync(tls.key) }) : createServer(options);
    } catch (error) {
      throw new CmdopError('bad-request', `certificate and key cannot be used: ${(error as Error).message}`);
    }
    server.maxConnections = MAX_CONNECTIONS;
    server.headersTimeout = REQUEST_MS;
    server.requestTimeout = REQUEST_MS;
    this.#strangers.watch(server);
    answerRequests(server, {
      request: (asked, response) => this.#request(asked, response),
      upgrade: (asked, raw) => this.#upgrade(asked, raw),
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', ({ code, message }: NodeJS.ErrnoException) => {
        const why =
          code === 'EADDRINUSE' ? `port ${port} is in use there` : code === 'EADDRNOTAVAIL' ? 'it is no address of this machine' : message;
        reject(new CmdopError('bad-request', `links cannot be served at ${address}: ${why}; name another with --listen ADDRESS:PORT`));
      });
      server.listen(port, address, () => resolve());
    });
    server.on('error', (error) => console.error('links:', error));
    this.#server = server;
  }

  close(): void {
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#server?.close();
    this.#server?.closeAllConnections();
    this.#server = null;
  }

  #request(asked: Asked, response: ServerResponse): void {
    const { request, pathname } = asked;
    if (!this.#isOwnHost(request)) return refuse(response, 403, 'this address is not served');
    const secret = /^\/join\/([\w-]{1,128})$/.exec(pathname)?.[1];
    if (secret !== undefined) return this.#join(secret, asked, response);
    const isHead = request.method === 'HEAD';
    if (request.method !== 'GET' && !isHead) return refuse(response, 405, 'only GET');
    const { rendererDir } = this.#options;
    if (!this.#inviteOf(asked)) return refuse(response, 401, NOT_INVITED);
    if (pathname === SOCKET_PATH) return sayLetIn(response);
    const socket = `${this.#originOf(request).replace('http', 'ws')}`;
    sendFile({ rendererDir, pathname, isHead, policy: pagePolicy(socket) }, response);
  }

  #join(secret: string, asked: Asked, response: ServerResponse): void {
    const { request } = asked;
    const { invites, sessionName, refused } = this.#options;
    const invite = invites.ofSecret(secret);
    const session = invite?.way === 'link' ? sessionName(invite) : null;
    if (!invite || session === null || invites.stateOf(invite) !== 'open') {
      // The one browser that has accepted it comes back by it.
      if (invite && this.#inviteOf(asked)?.id === invite.id) return sendToPage(response);
      const state = invite ? invites.stateOf(invite) : 'wrong';
      const why =
        { used: 'was used already', revoked: 'was revoked', expired: 'has expired' }[state as string] ?? 'is not one of this host';
      refused(`a link ${why}`);
      return refuse(response, 401, `This link ${why}: ask for another.`);
    }
    this.#strangers.proved(request);
    if (request.method === 'GET' || request.method === 'HEAD') {
      // Without a referrer the form's Origin would be null.
      const headers = { ...HEADERS, 'Referrer-Policy': 'same-origin', 'Content-Security-Policy': ACCEPT_POLICY };
      response.writeHead(200, { ...headers, 'Content-Type': 'text/html; charset=utf-8' });
      response.end(request.method === 'HEAD' ? '' : acceptPage({ ...invite, session, machine: hostname() }));
      return;
    }
    if (request.method !== 'POST' || request.headers.origin !== this.#originOf(request))
      return refuse(response, 405, 'open the link, and accept it there');
    request.resume(); // the form says nothing
    const { cookie, key } = newSignIn();
    this.#options.accepted(invites.use(invite, { cookie }));
    const attributes = `${this.#options.place.tls ? '; Secure' : ''}; SameSite=Strict; Path=/`;
    const name = `cmdop_${this.port}_name=${encodeURIComponent(invite.name)}`; // for the page, and no secret
    sendToPage(response, { key, cookies: [`${this.#cookieName}=${cookie}; HttpOnly${attributes}`, `${name}${attributes}`] });
  }

  #upgrade(asked: Asked, { socket, head }: Raw): void {
    const { request, pathname } = asked;
    const isOwn = this.#isOwnHost(request) && request.headers.origin === this.#originOf(request) && pathname === SOCKET_PATH;
    const invite = isOwn ? this.#inviteOf(asked) : null;
    if (!invite) return refuseUpgrade(socket, '403 Forbidden');
    this.#sockets.handleUpgrade(request, socket, head, (webSocket) =>
      this.#options.admit(new WebSocketTransport(webSocket), grantOf(invite, { by: 'link' })),
    );
  }

  #inviteOf(asked: Asked): StoredInvite | null {
    const [invite] = cookiesFor(asked, this.#cookieName).flatMap((cookie) => this.#options.invites.ofCookie(cookie) ?? []);
    if (invite) this.#strangers.proved(asked.request);
    return invite ?? null;
  }

  /** As the browser has it in its address bar; only after `#isOwnHost`. */
  #originOf(request: IncomingMessage): string {
    return `${this.#options.place.tls ? 'https' : 'http'}://${request.headers.host}`;
  }

  /** Where every address of the machine is served, the browser may have used any: an IP address, or the machine's name. */
  #isOwnHost({ headers: { host = '' } }: IncomingMessage): boolean {
    const { address } = this.#options.place;
    const [, v6, name, port] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(host) ?? [];
    const asked = v6 ?? name;
    const isPort = port === String(this.port) || (port === undefined && (this.port === 443 || this.port === 80));
    if (asked === undefined || !isPort) return false;
    return asked === address || asked === hostname() || (isAny(address) && (isIP(asked) !== 0 || asked === 'localhost'));
  }

  /** Cookies do not know ports. */
  get #cookieName(): string {
    return `cmdop_guest_${this.port}`;
  }
}

const isAny = (address: string) => address === '0.0.0.0' || address === '::';
