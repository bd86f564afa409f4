/** What a page may not do, for every page there will ever be: leave, open windows, get permissions, or speak as another. */
import { app, type IpcMainInvokeEvent, type Session, session, type WebContents } from 'electron';
import { APP_ORIGIN } from './scheme.ts';

/** Chromium's own calls home; nothing in cmdop needs them. Must run before the app is ready. */
export function silenceNetwork(): void {
  const switches = [
    'disable-background-networking',
    'disable-component-update',
    'disable-domain-reliability',
    'disable-sync',
    'no-pings',
    'no-proxy-server',
  ];
  for (const name of switches) app.commandLine.appendSwitch(name);
}

/** Must run before the first window. */
export function hardenPages(): void {
  app.on('web-contents-created', (_event, contents) => harden(contents));
  denyPermissions(session.defaultSession);
  session.defaultSession.setSpellCheckerEnabled(false);
  // The page saves what it got from a session's machine; nothing comes from elsewhere.
  session.defaultSession.on('will-download', (event, item) => {
    if (!item.getURL().startsWith(`blob:${APP_ORIGIN}/`)) event.preventDefault();
  });
}

/** True only for the main frame of our own page. */
export function isOwnPage({ senderFrame }: Pick<IpcMainInvokeEvent, 'senderFrame'>): boolean {
  return senderFrame !== null && senderFrame.parent === null && senderFrame.url.startsWith(`${APP_ORIGIN}/`);
}

function harden(contents: WebContents): void {
  const refuse = (event: { preventDefault(): void }) => event.preventDefault();
  contents.on('will-navigate', refuse);
  contents.on('will-frame-navigate', refuse);
  contents.on('will-redirect', refuse);
  contents.on('will-attach-webview', refuse);
  contents.setWindowOpenHandler(() => ({ action: 'deny' }));
}

/** The clipboard goes through the preload, so no page needs any permission. */
function denyPermissions(pages: Session): void {
  pages.setPermissionRequestHandler((_contents, _permission, answer) => answer(false));
  pages.setPermissionCheckHandler(() => false);
  pages.setDevicePermissionHandler(() => false);
}
