/** A byte stream to the keeper of a session on this machine, for who was let type straight to it (#protocol/delegation.ts). */
import { once } from 'node:events';
import type { Transport } from '#protocol/transport.ts';
import { connectSocket, socketTransport } from './socket-transport.ts';

/** Rejects where nobody listens at `socket`, a path that the host has named. */
export async function connectToKeeper(socket: string): Promise<Transport> {
  const connection = connectSocket(socket);
  await once(connection, 'connect');
  return socketTransport(connection);
}
