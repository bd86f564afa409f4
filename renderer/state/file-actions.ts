/** What a person can do about files from anywhere in the window, as from the palette. */
import { ask } from './actions.ts';
import { type HostedSession, setPreferences } from './store.ts';

/** Of the field in the files panel with which files are chosen. */
export const CHOOSER_ID = 'upload-files';

/** Opens the files panel, and in it the system's dialog. */
export function chooseFiles(): void {
  setPreferences({ panel: 'files' });
  // Once the panel is there; the key or click that asked for it is fresh enough for the browser yet.
  requestAnimationFrame(() => requestAnimationFrame(() => document.getElementById(CHOOSER_ID)?.click()));
}

/** Whether observers may read what is in the session's folder now, and below it. */
export function allowObservers({ host, id }: HostedSession, observers: boolean): void {
  void ask({ host, method: 'files.allow', params: { session: id, observers } });
}
