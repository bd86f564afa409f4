/** Ports as a client is told of them: observers learn which program listens, and not with which arguments. */
import type { ListeningPort } from '#protocol/ports.ts';
import type { ClientConnection } from '../client-connection.ts';
import { programName } from '../processes/program-name.ts';
import type { LiveSession } from '../sessions/live-session.ts';

export function toldPorts(ports: readonly ListeningPort[], session: LiveSession, { who }: ClientConnection): ListeningPort[] {
  if (session.roles.roleOf(who.actor) !== 'observer') return [...ports];
  return ports.map((port) => ({ ...port, command: programName(port.command) }));
}
