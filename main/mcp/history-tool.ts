/** The command history for agents: its shape, and the tool that searches it. */
import type { McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';
import type { CommandRecord } from '#protocol/shapes.ts';
import { visibleText } from '#session/visible-text.ts';
import { type AgentsByName, addTool, READS, sessionArg } from './tool.ts';
import { untrusted } from './untrusted.ts';

const recordShape = z.object({
  id: z.number(),
  session: z.string(),
  command: z.string(),
  authors: z.array(z.string()),
  submitter: z.string().nullable(),
  folder: z.string(),
  startedAt: z.string(),
  exitCode: z.number().nullable(),
  durationMs: z.number().nullable(),
  fromOffset: z.number(),
  toOffset: z.number().nullable().describe('null while it runs'),
});

export function shownRecord(record: CommandRecord): z.input<typeof recordShape> {
  return {
    id: record.id,
    session: record.sessionName,
    command: visibleText(record.text),
    authors: record.authors.map(({ name }) => name),
    submitter: record.submitter?.name ?? null,
    folder: record.cwd,
    startedAt: new Date(record.startedAt).toISOString(),
    exitCode: record.exitCode,
    durationMs: wholeMs(record.durationMs),
    fromOffset: record.from,
    toOffset: record.to,
  };
}

export const wholeMs = (ms: number | null) => (ms === null ? null : Math.round(ms));

export function addHistoryTool(server: McpServer, agents: AgentsByName): void {
  addTool(server, agents, {
    name: 'history_search',
    title: 'Search the command history',
    description:
      'Who ran what: command lines with authors, exit code, duration, folder and where their output is (read it with output_read). Newest last.',
    input: z.object({
      session: sessionArg,
      text: z.string().max(1024).optional().describe('Part of the command line, ignoring case'),
      actor: z.string().max(256).optional().describe('Name of who typed or submitted it'),
      failed: z.boolean().optional().describe('Only commands that failed'),
      limit: z.number().int().min(1).max(200).default(20),
    }),
    output: z.object({ commands: z.array(recordShape) }),
    annotations: READS,
    run: async ({ agent, args }) => {
      const { session, ...filter } = args;
      const { commands } = await agent.client.request('history.list', { ...filter, session: agent.ref(session) });
      const found = commands.map(shownRecord);
      const rows = found.map(
        ({ startedAt, submitter, exitCode, command, session: name }) =>
          `${startedAt} ${name} ${submitter ?? '?'} exit ${exitCode ?? '?'}: ${command}`,
      );
      return { structured: { commands: found }, text: rows.length > 0 ? untrusted('Commands', rows.join('\n')) : 'No command fits.' };
    },
  });
}
