/** Notifications of the system for who looks elsewhere: one for each thing it is about, gone once it is not wanted any more. */
import { type BrowserWindow, Notification } from 'electron';
import type { Notice } from '../../preload/api.ts';
import { tellPage } from './page-events.ts';
import { focusWindow } from './windows.ts';

/** Shown now, by what they are about; held, since a notification that is collected no longer hears of its click. */
const shown = new Map<string, Notification>();

export function notify({ title, body, about }: Notice, window: BrowserWindow | null): void {
  if (!window || window.isFocused() || !Notification.isSupported()) return;
  shown.get(about)?.close();
  const created = new Notification({ title, body });
  const forget = () => {
    if (shown.get(about) === created) shown.delete(about);
  };
  created.on('click', () => {
    forget();
    focusWindow();
    tellPage({ is: 'noticed', about });
  });
  created.on('close', forget);
  created.on('failed', forget);
  shown.set(about, created);
  created.show();
  window.flashFrame(true);
  window.once('focus', () => {
    window.flashFrame(false);
    for (const each of shown.values()) each.close();
    shown.clear();
  });
}
