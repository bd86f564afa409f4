/** A real MCP client, the official one, on `cmdop mcp` of a test's own host: calls tools as an agent does. */
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { nodePath } from '#local/runtime.ts';
import { type Engine, openEngine, type Person } from './engine.ts';

export const CLI = resolve('dist/cli.mjs');

/** What a tool gave: its structured content, or its error as text. */
export type Given = { readonly error: string | null; readonly text: string; readonly value: Readonly<Record<string, unknown>> };

export type TestAgent = {
  readonly client: Client;
  call(
    tool: string,
    args: Record<string, unknown>,
    options?: { signal?: AbortSignal; progress?: (message: string) => void },
  ): Promise<Given>;
  /** As `call`; throws where the tool says no. */
  ok(tool: string, args: Record<string, unknown>): Promise<Given>;
  /** Uris that were told to have changed, in order. */
  readonly updates: string[];
  untilUpdated(uri: string): Promise<void>;
  close(): Promise<void>;
};

export type AgentSettings = {
  name?: string;
  /** Of `cmdop mcp`. */
  flags?: readonly string[];
  /** Another one than this machine's. */
  host?: string;
  /** `modern`: the 2026-07-28 revision, without `initialize`. */
  era?: 'legacy' | 'modern';
  env?: Record<string, string>;
};

export async function startAgent(env: Record<string, string>, settings: AgentSettings = {}): Promise<TestAgent> {
  const { name = 'fixer', flags = [], era = 'legacy', host } = settings;
  const transport = new StdioClientTransport({
    command: nodePath(),
    args: [CLI, ...(host === undefined ? [] : ['-H', host]), 'mcp', ...flags],
    env: { ...env, ...settings.env },
    stderr: 'inherit',
  });
  return agentOver(transport, { name, era });
}

export async function agentOver(
  transport: Parameters<Client['connect']>[0],
  { name, era }: { name: string; era: 'legacy' | 'modern' },
): Promise<TestAgent> {
  const versionNegotiation = era === 'modern' ? { mode: { pin: '2026-07-28' as const } } : undefined;
  const client = new Client({ name, version: '1' }, versionNegotiation ? { versionNegotiation } : {});
  const updates: string[] = [];
  let changed: () => void = () => {};
  client.setNotificationHandler('notifications/resources/updated', ({ params }) => {
    updates.push(params.uri);
    changed();
  });
  await client.connect(transport);
  const call: TestAgent['call'] = async (tool, given, { signal, progress } = {}) => {
    const result = await client.callTool(
      { name: tool, arguments: given },
      {
        ...(signal ? { signal } : {}),
        ...(progress ? { onprogress: ({ message }: { message?: string | undefined }) => progress(message ?? '') } : {}),
        resetTimeoutOnProgress: true,
      },
    );
    const text = result.content.map((part) => (part.type === 'text' ? part.text : '')).join('\n');
    return { error: result.isError ? text : null, text, value: (result.structuredContent ?? {}) as Record<string, unknown> };
  };
  return {
    client,
    call,
    ok: async (tool, given) => {
      const answer = await call(tool, given);
      if (answer.error !== null) throw new Error(`${tool}: ${answer.error}`);
      return answer;
    },
    updates,
    untilUpdated: (uri) =>
      new Promise((told) => {
        changed = () => {
          if (updates.includes(uri)) told();
        };
        changed();
      }),
    close: () => client.close(),
  };
}

export type AgentWorld = {
  engine: Engine;
  ann: Person;
  agent: TestAgent;
  /** Made by the agent; its name. */
  newSession(): Promise<string>;
  close(): Promise<void>;
};

/** A host with a person and an agent, a plain prompt, and the policy given as JSON, or the most permissive one. */
export async function agentWorld(policy?: string): Promise<AgentWorld> {
  const engine = openEngine();
  writeFileSync(join(engine.home, '.bash_profile'), "PS1='$ '\n");
  engine.policy(policy);
  await engine.startHost();
  const agent = await startAgent(engine.env);
  let made = 0;
  return {
    engine,
    ann: engine.person('ann'),
    agent,
    async newSession() {
      const name = `s${++made}`;
      await agent.ok('session_create', { name, columns: 80, rows: 24 });
      return name;
    },
    async close() {
      await agent.close();
      await engine.dispose();
    },
  };
}
