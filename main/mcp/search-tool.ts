/** The tool that looks for a text in what sessions have printed. */
import type { McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { CmdopError } from '#protocol/errors.ts';
import type { SearchHit } from '#protocol/search.ts';
import { visibleText } from '#session/visible-text.ts';
import { type AgentsByName, addTool, type Call, READS, sessionArg } from './tool.ts';
import { untrusted } from './untrusted.ts';

const hitShape = z.object({
  session: z.string(),
  offset: z.number().describe('Of the match in the output: output_read reads on from here'),
  line: z.string(),
  at: z.string().nullable(),
  command: z.string().nullable().describe('What printed it; null where no recorded command did'),
  submitter: z.string().nullable(),
});

const input = z.object({
  text: z.string().min(1).max(1024),
  regex: z.boolean().default(false).describe('TEXT is a regular expression in the syntax of RE2, for one line'),
  ignoreCase: z.boolean().default(false),
  session: sessionArg.optional().describe('Only there; without it, in every session that you may read'),
  limit: z.number().int().min(1).max(200).default(20),
});

export function addSearchTool(server: McpServer, agents: AgentsByName): void {
  addTool(server, agents, {
    name: 'output_search',
    title: 'Search what sessions printed',
    description:
      'Finds lines in the output of sessions, those that ended too, newest first, with their place and the command that printed them. Colours and control sequences are looked through. For command lines use history_search.',
    input,
    output: z.object({ hits: z.array(hitShape), mayBeMore: z.boolean() }),
    annotations: READS,
    run: async (call) => {
      const { hits, mayBeMore } = await collect(call);
      const shown = hits.map((hit) => ({
        session: hit.sessionName,
        offset: hit.offset,
        line: visibleText(hit.text),
        at: hit.at === null ? null : new Date(hit.at).toISOString(),
        command: hit.command && visibleText(hit.command.text),
        submitter: hit.command?.submitter?.name ?? null,
      }));
      const rows = shown.map(
        ({ session, offset, at, submitter, line }) => `${session}@${offset} ${at ?? '?'} ${submitter ?? '?'}: ${line}`,
      );
      const text = rows.length > 0 ? untrusted('Output', rows.join('\n')) : 'Nothing of what is kept says that.';
      return { structured: { hits: shown, mayBeMore }, text };
    },
  });
}

function collect({ agent, args, signal, progress }: Call<z.output<typeof input>>): Promise<{ hits: SearchHit[]; mayBeMore: boolean }> {
  const { session, ...sought } = args;
  const hits: SearchHit[] = [];
  return new Promise((resolve, reject) => {
    agent.searches
      .start(agent.client, session === undefined ? sought : { ...sought, session: agent.ref(session) }, {
        found: (found) => hits.push(...found),
        progress: ({ readBytes, totalBytes }) => progress(`${Math.round((readBytes / Math.max(1, totalBytes)) * 100)} % of the output`),
        ended: ({ reason, message }) =>
          reason === 'failed'
            ? reject(new CmdopError('internal', message ?? 'the search failed'))
            : resolve({ hits, mayBeMore: reason === 'limit' }),
      })
      .then(({ cancel }) => {
        const stop = () => {
          cancel();
          resolve({ hits, mayBeMore: true });
        };
        if (signal.aborted) stop();
        else signal.addEventListener('abort', stop, { once: true });
      }, reject);
  });
}
