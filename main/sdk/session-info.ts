/** What a program is told of a session. */
import { formatAddress, LOCAL_HOST } from '#protocol/address.ts';
import type { SessionSummary } from '#protocol/shapes.ts';
import type { SessionInfo } from './client.d.ts';

export function infoOf(summary: SessionSummary, host: string): SessionInfo {
  const { id, name, state, end, command, cwd, running, createdAt, endedAt, outputEnd, unreachable } = summary;
  // A host calls itself local.
  const address = host === LOCAL_HOST ? summary.address : formatAddress({ host, session: name });
  const known = { id, name, address, state, exitCode: end?.code ?? null, command, cwd, running, createdAt, endedAt, outputEnd };
  return unreachable === undefined ? known : { ...known, unreachable };
}
