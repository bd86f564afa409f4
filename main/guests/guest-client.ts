/** A guest's own connection to the host: what was proved at the door goes ahead, and the host looks whether it still holds. */
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import type { ClientState } from '#client/client-options.ts';
import { CmdopClient } from '#client/cmdop-client.ts';
import type { ConnectionEvent } from '#client/connection.ts';
import { systemClock } from '#local/clock.ts';
import { socketTransport } from '#local/socket-transport.ts';
import { VERSION } from '#local/version.ts';
import { CmdopError, type ErrorCode } from '#protocol/errors.ts';
import { newClientId } from '#protocol/ids.ts';
import type { Transport } from '#protocol/transport.ts';
import type { Opening } from './wire.ts';

/** Where the host listens for this process, and what it knows it by. */
export type HostDoor = { readonly socket: string; readonly token: string };

/** What time heals: the host crashed, or another build takes its place. */
const PASSING: ReadonlySet<ErrorCode> = new Set(['disconnected', 'host-unreachable', 'timeout']);

/** Its owner closes it. */
export function guestClient(options: {
  door: HostDoor;
  proved: Omit<Extract<Opening, { is: 'guest' }>, 'is' | 'token'>;
  name: string;
  onState: (state: ClientState) => void;
  onEvent: (event: ConnectionEvent) => void;
}): CmdopClient {
  const { door, proved, name, onState, onEvent } = options;
  return new CmdopClient({
    identity: { id: newClientId(randomBytes), interface: 'ssh', name, build: VERSION },
    connect: () => openDoor(door, { is: 'guest', token: door.token, ...proved }),
    clock: systemClock,
    random: Math.random,
    isHeldBy: ({ code }) => !PASSING.has(code),
    onState,
    onEvent,
  });
}

function openDoor(door: HostDoor, opening: Opening): Promise<Transport> {
  return new Promise((resolve, reject) => {
    const socket = connect(door.socket);
    socket.once('error', (error) => reject(new CmdopError('host-unreachable', `the host cannot be reached: ${error.message}`)));
    socket.once('connect', () => {
      socket.write(`${JSON.stringify(opening)}\n`);
      resolve(socketTransport(socket, 'ssh'));
    });
  });
}
