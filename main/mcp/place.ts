/** In which session an agent runs, so that it does not type to its own terminal by accident. */
import type { Socket } from 'node:net';
import { peerProcesses, sessionAround } from '#local/peer-process.ts';

/** On the machine of the MCP server. */
export type Place = { readonly pid?: number; readonly inside?: string };

/** Of an agent that started this process. */
export function ownPlace(): Place {
  const inside = process.env.CMDOP_SESSION;
  return { pid: process.pid, ...(inside ? { inside } : {}) };
}

/** Of agents that connect to this process: looked up once a connection. */
export class ClientPlaces {
  readonly #places = new WeakMap<Socket, Promise<Place>>();

  of(socket: Socket): Promise<Place> {
    const place = this.#places.get(socket) ?? find(socket);
    this.#places.set(socket, place);
    return place;
  }
}

/** Where nobody tells whose connection it is, it is taken for one of whoever started this process. */
async function find({ localPort, remotePort }: Socket): Promise<Place> {
  if (localPort === undefined || remotePort === undefined) return ownPlace();
  const pids = await peerProcesses({ localPort, remotePort });
  if (pids.length === 0) return ownPlace();
  const sessions = await Promise.all(pids.map(sessionAround));
  const inside = sessions.find((session) => session !== null);
  return inside ? { inside } : {};
}
