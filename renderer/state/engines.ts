/** The client engine of each host in this window. */
import type { CmdopClient } from '#client/cmdop-client.ts';

export const engines = new Map<string, CmdopClient>();

/** Throws if the host is not in this window: a mistake of ours. */
export function client(host: string): CmdopClient {
  const engine = engines.get(host);
  if (!engine) throw new Error(`the host ${host} is used before it was opened`);
  return engine;
}
