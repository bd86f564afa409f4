/** Opens and closes the replay of a session, over its tab. */
import type { EventParams } from '#protocol/messages.ts';
import { focusTerminal, openTab } from './actions.ts';
import type { SessionKey } from './session-key.ts';
import { app, findSession, toast } from './store.ts';

let opened = 0;

/** Called with how far a host is with the screens of a session. */
export const progressListeners = new Set<(host: string, progress: EventParams<'replay.progress'>) => void>();

/** `at`: an offset of its output; the end where there is none. */
export function openReplay(session: SessionKey, at: number | null = null): void {
  if (!findSession(app.get(), session)) {
    toast('This session was removed: its history stays, its output is gone.');
    return;
  }
  if (app.get().preferences.activeTab !== session) openTab(session);
  app.set({ replay: { session, at, opened: ++opened } });
}

export function closeReplay(): void {
  app.set({ replay: null });
  focusTerminal();
}
