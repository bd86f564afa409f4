/** Whether the keeper of a session lives, as far as its socket tells. */
import { rmSync } from 'node:fs';
import { connect } from 'node:net';
import type { Offset } from '#protocol/ids.ts';
import { KeeperLink } from './keeper-link.ts';

/** Whether a keeper answers there. To connect is no proof: the kernel still takes a call for a process that dies just now. */
export async function lives(path: string, session: string): Promise<boolean> {
  const listener = {
    output: () => {},
    applied: () => {},
    refused: () => {},
    typed: () => {},
    recalled: () => {},
    dropped: () => {},
    ending: () => {},
    exited: () => {},
    lost: () => {},
  };
  try {
    const link = await KeeperLink.open({ path, session, from: 0 as Offset, listener });
    link.close();
    return true;
  } catch {
    return isListening(path); // it said nothing, or is gone
  }
}

/** Whether somebody takes calls there; the socket file of a dead keeper is removed, since a new one needs the place. */
export function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', (error) => {
      const isDead = isGone(error);
      if (isDead) removeSocket(path);
      resolve(!isDead);
    });
  });
}

/** Whether a call failed because nobody is there; else, as with too many calls or descriptors, somebody may be. */
export const isGone = (error: NodeJS.ErrnoException): boolean => error.code === 'ENOENT' || error.code === 'ECONNREFUSED';

/** Pipes are not files. */
export function removeSocket(path: string): void {
  if (process.platform !== 'win32') rmSync(path, { force: true });
}
