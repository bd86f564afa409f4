/** A connection to one MCP client, on which what it listens to (revision 2026-07-28) begins and ends to be watched. */
import type { JSONRPCMessage, MessageExtraInfo, ServerEvent, Transport } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { CmdopError } from '#protocol/errors.ts';
import { INVALID_PARAMS, type Listening, listeningOf, watch } from './listening.ts';
import { MAX_SUBSCRIPTIONS } from './resource-watch.ts';
import type { AgentsByName } from './tool.ts';

const cancelled = z.object({
  method: z.literal('notifications/cancelled'),
  params: z.object({ requestId: z.union([z.string(), z.number()]) }),
});

export type ListeningTransportOptions = {
  wire: Transport;
  agents: AgentsByName;
  /** The SDK tells it to whoever listens to it. */
  tell(event: ServerEvent): void;
};

export class ListeningTransport implements Transport {
  onmessage?: (<T extends JSONRPCMessage>(message: T, extra?: MessageExtraInfo) => void) | undefined;
  onclose?: (() => void) | undefined;
  onerror?: ((error: Error) => void) | undefined;
  readonly #options: ListeningTransportOptions;
  /** How to end what each request listens to. */
  readonly #watches = new Map<string | number, () => void>();

  constructor(options: ListeningTransportOptions) {
    const { wire } = options;
    this.#options = options;
    wire.onmessage = (message, extra) => this.#received(message, extra);
    wire.onerror = (error) => this.onerror?.(error);
    wire.onclose = () => {
      for (const id of [...this.#watches.keys()]) this.#end(id);
      this.onclose?.();
    };
  }

  start(): Promise<void> {
    return this.#options.wire.start();
  }
  send(message: JSONRPCMessage): Promise<void> {
    return this.#options.wire.send(message);
  }
  close(): Promise<void> {
    return this.#options.wire.close();
  }

  #received(message: JSONRPCMessage, extra?: MessageExtraInfo): void {
    const listening = listeningOf(message);
    if (listening) {
      void this.#begin(listening, () => this.onmessage?.(message, extra));
      return;
    }
    const end = cancelled.safeParse(message).data;
    if (end) this.#end(end.params.requestId);
    this.onmessage?.(message, extra);
  }

  /** Refused here where the agent may not read it: the SDK does not ask. */
  async #begin(listening: Listening, pass: () => void): Promise<void> {
    const { wire, agents, tell } = this.#options;
    const { id, clientName } = listening;
    let isOver = false;
    this.#end(id);
    this.#watches.set(id, () => {
      isOver = true;
    });
    try {
      if (this.#watches.size > MAX_SUBSCRIPTIONS) throw new CmdopError('bad-request', `listen with ${MAX_SUBSCRIPTIONS} requests at most`);
      const end = await watch(agents.agentFor(clientName), listening, tell);
      if (isOver) return end();
      this.#watches.set(id, end);
      pass();
    } catch (error) {
      this.#end(id);
      const message = error instanceof Error ? error.message : String(error);
      await wire.send({ jsonrpc: '2.0', id, error: { code: INVALID_PARAMS, message } }).catch(() => {}); // the client is gone
    }
  }

  #end(id: string | number): void {
    this.#watches.get(id)?.();
    this.#watches.delete(id);
  }
}
