/** Coming to somebody else's session by the invite that they sent. */
import type { Joined } from '../../preload/api.ts';
import { platform } from '../platform/platform.ts';
import { client } from './engines.ts';
import { openAddress } from './links.ts';
import { app, findHost, setHost, toast } from './store.ts';

/** Shows an invite, or the place for one: nothing is reached before somebody says so. */
export function openJoin(code: string): void {
  app.set({ dialog: { is: 'join', code } });
}

/** Opens the session; an end of an earlier invite there no longer counts. */
export function openJoined({ host, session }: Joined): void {
  if (findHost(app.get(), host)) {
    setHost(host, { guestEnd: null, sessions: null });
    client(host).reconnectNow();
  }
  openAddress({ host, session });
}

/** The public half of our key, for who invites us by it. */
export async function copyKey(publicKey: string): Promise<void> {
  try {
    await platform.writeClipboard(publicKey);
    toast('Copied: send it to who invites you. It is no secret.');
  } catch (error) {
    toast(`Not copied: ${error instanceof Error ? error.message : String(error)}`, 'error');
  }
}
