/** The desktop app: one window on the sessions of this machine and of others. Quitting it ends nothing but the window. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { app, BrowserWindow, powerMonitor } from 'electron';
import { acceptLinks, openLinksIn } from './deep-links.ts';
import { recheckHosts } from './host-clients.ts';
import { answerPage } from './ipc.ts';
import { installMenu } from './menu.ts';
import { listenForPage, tellPage } from './page-events.ts';
import { loadPreferences } from './preferences.ts';
import { registerScheme, serveScheme } from './scheme.ts';
import { hardenPages, silenceNetwork } from './security.ts';
import { focusWindow, openWindow } from './windows.ts';

const distDir = dirname(fileURLToPath(import.meta.url));

app.setName('cmdop');
// Every CMDOP_HOME has its own host, so it has its own settings and its own single window as well.
if (process.env.CMDOP_HOME) app.setPath('userData', join(process.env.CMDOP_HOME, 'app'));
registerScheme();
silenceNetwork();
acceptLinks();

if (app.requestSingleInstanceLock()) {
  app.on('second-instance', (_event, args) => {
    focusWindow();
    openLinksIn(args);
  });
  app.on('window-all-closed', () => {
    if (process.platform !== 'darwin') app.quit();
  });
  app.on('activate', () => {
    if (BrowserWindow.getAllWindows().length === 0) openWindow({ distDir });
  });
  void app.whenReady().then(() => {
    hardenPages();
    serveScheme(join(distDir, 'renderer'));
    loadPreferences(); // sets the theme before the window has a colour
    listenForPage();
    answerPage();
    installMenu();
    openWindow({ distDir });
    openLinksIn(process.argv);
    const awake = () => {
      tellPage({ is: 'awake' });
      recheckHosts();
    };
    for (const event of ['resume', 'unlock-screen'] as const) powerMonitor.on(event as 'resume', awake);
  });
} else {
  app.quit();
}
