/** Tells the page what it did not ask for; what is told before it listens waits for it. */
import { type BrowserWindow, ipcMain, type WebContents } from 'electron';
import type { AppEvent } from '../../preload/api.ts';
import { EVENT, LISTENING } from '../../preload/channels.ts';
import { isOwnPage } from './security.ts';

/** More than ever waits for a page that loads; a bound for one that never does. */
const MAX_WAITING = 100;

let listening: WebContents | null = null;
let waiting: AppEvent[] = [];
const leavers = new Set<() => void>();

/** Must run before the first page. */
export function listenForPage(): void {
  ipcMain.on(LISTENING, (event) => {
    if (!isOwnPage(event)) return;
    listening = event.sender;
    for (const early of waiting) listening.send(EVENT, early);
    waiting = [];
  });
}

/** The page of this window stops listening when it is left, loaded again or crashed. */
export function followPage({ webContents }: BrowserWindow): void {
  const left = () => {
    if (listening === webContents) listening = null;
    for (const leaver of [...leavers]) leaver();
  };
  webContents.on('did-start-navigation', ({ isMainFrame, isSameDocument }) => {
    if (isMainFrame && !isSameDocument) left();
  });
  webContents.on('render-process-gone', left);
  webContents.on('destroyed', left);
}

export function tellPage(event: AppEvent): void {
  if (listening) listening.send(EVENT, event);
  else if (waiting.length < MAX_WAITING) waiting.push(event);
}

/** Calls `leaver` when the page is gone, until the returned function is called. */
export function whenPageLeaves(leaver: () => void): () => void {
  leavers.add(leaver);
  return () => leavers.delete(leaver);
}
