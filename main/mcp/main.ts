/** The MCP server as a program: over stdio for one client, or over HTTP on loopback for several. Run by `cmdop mcp`. */
import type { McpServer, ServerEvent } from '@modelcontextprotocol/server';
import { StdioServerTransport, serveStdio } from '@modelcontextprotocol/server/stdio';
import type { Transport } from '#protocol/transport.ts';
import { Agent } from './agent.ts';
import { boundedLines, type LeftOut, requestId } from './bounded-lines.ts';
import { serveHttp } from './http.ts';
import { ListeningTransport } from './listening-transport.ts';
import { ownPlace } from './place.ts';
import { makeServer } from './server.ts';

/** Longest message on standard input, bytes: as over HTTP. */
const MAX_LINE_BYTES = 4 * 1024 * 1024;

export type McpOptions = {
  /** Port on loopback, 0: any; null: stdio. */
  httpPort: number | null;
  /** The agent may drive the session that it runs in. */
  ownSessionAllowed: boolean;
  /** Makes a connection to the host. */
  connect: () => Promise<Transport>;
  /** As people name it: `local`, or as it was given with -H. */
  host: string;
  /** Name of the agent; null: what its client calls itself. */
  name: string | null;
};

/** Resolves when the client has gone, or when asked to end. */
export async function serve(options: McpOptions): Promise<void> {
  if (options.httpPort !== null) return serveHttp({ ...options, port: options.httpPort });
  let agent: Agent | null = null;
  const agentFor = (clientName: string) => {
    agent ??= new Agent({ ...options, name: options.name ?? clientName, place: ownPlace() });
    return agent;
  };
  const lines = process.stdin.pipe(boundedLines(MAX_LINE_BYTES, refuseLine));
  let server: McpServer | null = null;
  const makeOne = () => {
    server = makeServer({ agentFor });
    return server;
  };
  const handle = serveStdio(makeOne, {
    transport: new ListeningTransport({
      wire: new StdioServerTransport(lines, process.stdout),
      agents: { agentFor },
      tell: (event) => tell(server, event).catch(() => {}), // the client is gone
    }),
    onerror: (error) => process.stderr.write(`cmdop mcp: ${error.message}\n`),
  });
  await new Promise<void>((resolve) => {
    process.stdin.once('end', resolve);
    process.stdin.once('close', resolve);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve());
  });
  await handle.close();
  (agent as Agent | null)?.close();
}

async function tell(server: McpServer | null, event: ServerEvent): Promise<void> {
  if (event.kind === 'resource_updated') await server?.server.sendResourceUpdated({ uri: event.uri });
  else await server?.server.sendResourceListChanged();
}

function refuseLine(line: LeftOut): void {
  const message = `a message may have ${MAX_LINE_BYTES} bytes, and this one has ${line.bytes}: send less at once`;
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id: requestId(line), error: { code: -32600, message } })}\n`);
}
