/**
 * The MCP server over Streamable HTTP, on loopback only: a token with every request, Host and Origin checked, so that
 * no web page can reach it. Clients of the 2025 revisions have a session each; of later ones each name is an agent.
 */
import { randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import {
  localhostHostValidation,
  localhostOriginValidation,
  NodeStreamableHTTPServerTransport,
  toNodeHandler,
} from '@modelcontextprotocol/node';
import { createMcpHandler, isInitializeRequest, isLegacyRequest, type McpHttpHandler } from '@modelcontextprotocol/server';
import { ensureLocalFolders, localPaths } from '#local/paths.ts';
import { Agent, type AgentOptions } from './agent.ts';
import { INVALID_PARAMS, listeningBus, listeningOf } from './listening.ts';
import { ClientPlaces, type Place } from './place.ts';
import { makeServer } from './server.ts';

/** Largest request, bytes. */
const MAX_BODY_BYTES = 4 * 1024 * 1024;
const MAX_SESSIONS = 100;
const PATH = '/mcp';

export type HttpOptions = Omit<AgentOptions, 'name' | 'place'> & { port: number; name: string | null };

/** `place`: of whoever began it. */
type McpSession = { transport: NodeStreamableHTTPServerTransport; agent: Agent | null; place: Place };

export async function serveHttp(options: HttpOptions): Promise<void> {
  const { token, file } = ownToken();
  const newAgent = (clientName: string, place: Place) => new Agent({ ...options, name: options.name ?? clientName, place });
  const places = new ClientPlaces();
  const sessions = new Map<string, McpSession>();
  /** By the session that they run in, and by name. */
  const byName = new Map<string, Agent>();
  const agentsAt = (place: Place) => (clientName: string) => {
    const key = `${place.inside ?? ''} ${clientName}`;
    const agent = byName.get(key) ?? newAgent(clientName, place);
    byName.set(key, agent);
    return agent;
  };
  const modern = new Set<McpHttpHandler>();
  const isHostFine = localhostHostValidation();
  const isOriginFine = localhostOriginValidation();

  const open = async (place: Place): Promise<McpSession> => {
    const session: McpSession = {
      place,
      agent: null,
      transport: new NodeStreamableHTTPServerTransport({
        sessionIdGenerator: randomUUID,
        onsessioninitialized: (id) => {
          sessions.set(id, session);
        },
      }),
    };
    const server = makeServer({
      agentFor: (clientName) => {
        session.agent ??= newAgent(clientName, place);
        return session.agent;
      },
    });
    await server.connect(session.transport);
    server.server.onclose = () => {
      sessions.delete(session.transport.sessionId ?? '');
      session.agent?.close();
    };
    return session;
  };

  /** A request of a revision without sessions. */
  const serveModern = async (request: IncomingMessage, response: ServerResponse, { body, place }: { body: unknown; place: Place }) => {
    const agentFor = agentsAt(place);
    const listening = listeningOf(body);
    if (listening && modern.size >= MAX_SESSIONS) return refuse(response, 503, `${MAX_SESSIONS} requests are served already: end some`);
    const bus = listening && (await listeningBus(agentFor(listening.clientName), listening).catch((error: Error) => error));
    if (bus instanceof Error) {
      response.writeHead(200, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify({ jsonrpc: '2.0', id: listening?.id, error: { code: INVALID_PARAMS, message: bus.message } }));
      return;
    }
    const handler = createMcpHandler(() => makeServer({ agentFor }), { legacy: 'reject', ...(bus ? { bus } : {}) });
    modern.add(handler);
    try {
      const serve = toNodeHandler(handler, { maxRequestBodySize: MAX_BODY_BYTES });
      await serve(Object.assign(request, { method: request.method ?? 'GET', url: request.url ?? PATH }), response, body);
    } finally {
      modern.delete(handler);
      bus?.end();
    }
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    // The helpers have answered where they say no.
    if (!isHostFine(request, response) || !isOriginFine(request, response)) return;
    if (!isAllowed(request, token)) return refuse(response, 401, `give the token in ${file}: Authorization: Bearer TOKEN`);
    if (new URL(request.url ?? '/', 'http://localhost').pathname !== PATH) return refuse(response, 404, `the server is at ${PATH}`);
    const body = request.method === 'POST' ? await jsonBody(request) : undefined;
    const id = request.headers['mcp-session-id'];
    const known = typeof id === 'string' ? sessions.get(id) : undefined;
    const place = options.ownSessionAllowed ? {} : await places.of(request.socket);
    if (known && place.inside !== undefined && place.inside !== known.place.inside)
      return refuse(response, 403, 'this MCP session was begun outside of the terminal session that you run in: initialize again');
    if (known) return known.transport.handleRequest(request, response, body);
    if (id !== undefined) return refuse(response, 404, 'this session is over: initialize again');
    if (isInitializeRequest(body)) {
      if (sessions.size >= MAX_SESSIONS) return refuse(response, 503, `${MAX_SESSIONS} clients are here already: end some`);
      return (await open(place)).transport.handleRequest(request, response, body);
    }
    if (request.method === 'POST' && (await isLegacy(request, body))) return refuse(response, 400, 'initialize first');
    await serveModern(request, response, { body, place });
  };

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      if (!response.headersSent) refuse(response, 400, error instanceof Error ? error.message : String(error));
      else response.end();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${port}${PATH}`, tokenFile: file })}\n`);
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve());
  });
  server.close();
  server.closeAllConnections();
  for (const handler of [...modern]) await handler.close();
  for (const { transport } of [...sessions.values()]) await transport.close();
  for (const agent of byName.values()) agent.close();
}

/** Made once for this account, in a file that only it can read. */
function ownToken(): { token: string; file: string } {
  const paths = localPaths();
  ensureLocalFolders(paths);
  const file = join(paths.stateDir, 'mcp-token');
  if (!existsSync(file)) writeFileSync(file, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' });
  chmodSync(file, 0o600);
  return { token: readFileSync(file, 'utf8').trim(), file };
}

function isAllowed(request: IncomingMessage, token: string): boolean {
  const given = Buffer.from(/^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '');
  const wanted = Buffer.from(token);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

async function isLegacy(request: IncomingMessage, body: unknown): Promise<boolean> {
  const headers = Object.entries(request.headers).flatMap(([name, value]) =>
    typeof value === 'string' ? [[name, value] as [string, string]] : [],
  );
  return isLegacyRequest(new Request('http://localhost/mcp', { method: 'POST', headers, body: JSON.stringify(body) }), body);
}

async function jsonBody(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request) {
    bytes += part.length;
    if (bytes > MAX_BODY_BYTES) throw new Error(`a request may have ${MAX_BODY_BYTES} bytes`);
    parts.push(part);
  }
  return JSON.parse(Buffer.concat(parts).toString());
}

function refuse(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { 'Content-Type': 'application/json', ...(status === 401 ? { 'WWW-Authenticate': 'Bearer' } : {}) });
  response.end(JSON.stringify({ jsonrpc: '2.0', error: { code: -32000, message }, id: null }));
}
