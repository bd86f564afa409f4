/** Checkpoints for agents: keep the files before something risky, and see what has changed since. */
import type { McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { visibleText } from '#session/visible-text.ts';
import { type AgentsByName, ARRANGES, addTool, READS, sessionArg } from './tool.ts';
import { untrusted } from './untrusted.ts';

/** Of a difference, characters: what an agent reads costs it. */
const MAX_TEXT = 60_000;

export function addCheckpointTools(server: McpServer, agents: AgentsByName): void {
  addTool(server, agents, {
    name: 'checkpoint',
    title: 'Keep the files as they are',
    description:
      'Keeps every file of the session’s working folder that git does not ignore, so that people can bring them back. Make one before something risky. The user’s own git is not touched. Restoring is for people: ask one.',
    input: z.object({ session: sessionArg, message: z.string().max(2_000).optional().describe('What you are about to do') }),
    output: z.object({
      id: z.number(),
      folder: z.string(),
      files: z.number(),
      added: z.number(),
      modified: z.number(),
      deleted: z.number(),
      leftOut: z.array(z.string()).describe('Too big, or not readable'),
    }),
    annotations: ARRANGES,
    run: async ({ agent, args: { session, message } }) => {
      const params = { session: agent.ref(session), ...(message === undefined ? {} : { message }) };
      const { checkpoint } = await agent.client.request('checkpoint.create', params);
      const { id, files, changed, skipped } = checkpoint;
      const { added, modified, deleted } = changed;
      const folder = visibleText(checkpoint.folder);
      const structured = { id, folder, files, added, modified, deleted, leftOut: skipped.paths.map(visibleText) };
      const leftOut = skipped.count > 0 ? ` ${skipped.count} were left out: too big, or not readable.` : '';
      return {
        structured,
        text: `Checkpoint ${id}: ${files} files (${added} added, ${modified} modified, ${deleted} deleted since the last).${leftOut}`,
      };
    },
  });
  addTool(server, agents, {
    name: 'checkpoint_diff',
    title: 'What changed since a checkpoint',
    description: 'The files of the session’s folder that differ from a checkpoint (the newest), or between two, with the changed lines.',
    input: z.object({
      session: sessionArg,
      from: z.number().int().min(1).optional().describe('Number of a checkpoint'),
      to: z.number().int().min(1).optional().describe('Number of a later one; the files as they are now when absent'),
      paths: z.array(z.string().min(1).max(4_096)).max(100).optional().describe('Only these, as they are shown here'),
      stat: z.boolean().default(false).describe('Only the files, without their lines'),
    }),
    output: z.object({
      from: z.number(),
      to: z.number().nullable(),
      files: z.array(z.object({ path: z.string(), is: z.string(), added: z.number().nullable(), deleted: z.number().nullable() })),
      untrustedDiff: z.string(),
      isCut: z.boolean(),
    }),
    annotations: READS,
    run: async ({ agent, args: { session, from, to, paths, stat } }) => {
      const found = await agent.client.request('checkpoint.diff', {
        session: agent.ref(session),
        stat,
        ...(from === undefined ? {} : { a: from }),
        ...(to === undefined ? {} : { b: to }),
        ...(paths === undefined ? {} : { paths }),
      });
      const files = found.files.slice(0, 500).map((file) => ({ ...file, path: visibleText(file.path) }));
      const diff = visibleText(found.text).slice(0, MAX_TEXT);
      const isCut = found.next !== null || found.text.length > MAX_TEXT || files.length < found.totals.files;
      const rows = files.map(({ path, is, added, deleted }) => `${is} ${path}${added === null ? '' : ` +${added} -${deleted ?? 0}`}`);
      const text = rows.length === 0 ? 'Nothing changed.' : untrusted('Changes', [...rows, ...(diff === '' ? [] : ['', diff])].join('\n'));
      const structured = { from: found.a, to: found.b, files, untrustedDiff: diff, isCut };
      return { structured, text: isCut ? `${text}\nThis is not all: ask for fewer paths.` : text };
    },
  });
}
