/** How every tool is made: one schema in, one out, progress, cancellation, and errors that say what to do. */
import { CLIENT_INFO_META_KEY, type McpServer, type ServerContext, type ToolAnnotations } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { CmdopError } from '#protocol/errors.ts';
import type { Agent } from './agent.ts';
import { tellingApprovals } from './approvals.ts';

export type Call<A> = {
  readonly args: A;
  readonly agent: Agent;
  /** Aborted when the agent gave up on this call. */
  readonly signal: AbortSignal;
  /** Tells the agent how it goes; the last of several within a second counts. */
  progress(message: string): void;
};

export type Answer<O> = {
  readonly structured: O;
  /** The same for who reads text only. */
  readonly text: string;
};

export type Tool<I extends z.ZodObject, O extends z.ZodObject> = {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly input: I;
  readonly output: O;
  readonly annotations: ToolAnnotations;
  run(call: Call<z.output<I>>): Promise<Answer<z.input<O>>>;
};

/** By the name that the MCP client gave itself. */
export type AgentsByName = { agentFor(clientName: string): Agent };

/** Between two progress notifications of a call, milliseconds. */
const PROGRESS_EVERY_MS = 500;

export const sessionArg = z
  .string()
  .min(1)
  .max(256)
  .describe('The session, always named explicitly: its name, its id, or cmdop://local/NAME (see sessions_list)');
export const reasonArg = z
  .string()
  .max(2_000)
  .optional()
  .describe('Why you do this, one sentence; shown to the person who approves it, and kept in the history');

export const READS: ToolAnnotations = { readOnlyHint: true, openWorldHint: false };
export const ACTS: ToolAnnotations = { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: true };
/** Changes something of cmdop's own, nothing of the user's. */
export const ARRANGES: ToolAnnotations = { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false };

export function addTool<I extends z.ZodObject, O extends z.ZodObject>(server: McpServer, agents: AgentsByName, tool: Tool<I, O>): void {
  const { name, title, description, input, output, annotations } = tool;
  const config = { title, description, inputSchema: input, outputSchema: output, annotations: { title, ...annotations } };
  server.registerTool<z.ZodObject, z.ZodObject>(name, config, async (args, context) => {
    const progress = new Progress(context);
    let stopTelling: () => void = () => {};
    let agent: Agent | null = null;
    try {
      agent = agents.agentFor(clientName(server, context));
      await agent.connected();
      stopTelling = tellingApprovals(agent, (message) => progress.say(message));
      // The SDK has parsed them with `input`.
      const call = {
        args: args as z.output<I>,
        agent,
        signal: context.mcpReq.signal,
        progress: (message: string) => progress.say(message),
      };
      const { structured, text } = await tool.run(call);
      return { structuredContent: structured, content: [{ type: 'text' as const, text }] };
    } catch (error) {
      if (!(error instanceof CmdopError)) throw error;
      const { code, message } = agent?.failure(error) ?? error;
      return { isError: true, content: [{ type: 'text' as const, text: `${code}: ${message}` }] };
    } finally {
      stopTelling();
      progress.end();
    }
  });
}

const clientInfo = z.object({ name: z.string() });

/** What the client calls itself: with every request, or once in `initialize`. */
export function clientName(server: McpServer, context: ServerContext): string {
  const withRequest = clientInfo.safeParse(Reflect.get(context.mcpReq.envelope ?? {}, CLIENT_INFO_META_KEY)).data;
  return (withRequest ?? server.server.getClientVersion())?.name ?? 'agent';
}

class Progress {
  readonly #context: ServerContext;
  #sent = 0;
  #waiting: string | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(context: ServerContext) {
    this.#context = context;
  }

  say(message: string): void {
    if (this.#context.mcpReq._meta?.progressToken === undefined) return;
    this.#waiting = message;
    if (this.#timer) return;
    this.#send();
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (this.#waiting !== null) this.say(this.#waiting);
    }, PROGRESS_EVERY_MS);
  }

  end(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#waiting = null;
    this.#timer = null;
  }

  #send(): void {
    const progressToken = this.#context.mcpReq._meta?.progressToken;
    const message = this.#waiting;
    this.#waiting = null;
    if (progressToken === undefined || message === null) return;
    const params = { progressToken, progress: ++this.#sent, message };
    this.#context.mcpReq.notify({ method: 'notifications/progress', params }).catch(() => {}); // the link is gone, and the call with it
  }
}
