/** The bridge between the app and its page: exactly the functions of api.ts, each one call to the app. */
import { contextBridge, ipcRenderer } from 'electron';
import type { DesktopApi, MenuCommand, Preferences } from './api.ts';
import { CALL, MENU, PORT, VERSION_ARGUMENT } from './channels.ts';

const api: DesktopApi = {
  platform: process.platform === 'darwin' || process.platform === 'win32' ? process.platform : 'linux',
  version: process.argv.find((argument) => argument.startsWith(VERSION_ARGUMENT))?.slice(VERSION_ARGUMENT.length) ?? '',
  identity: () => call('identity'),
  connect: () => call('connect'),
  preferences: () => call('preferences'),
  savePreferences: (preferences: Preferences) => call('savePreferences', preferences),
  openExternal: (url: string) => call('openExternal', url),
  readClipboard: () => call('readClipboard'),
  writeClipboard: (text: string) => call('writeClipboard', text),
  setTitle: (title: string) => call('setTitle', title),
  onMenu: (listener) => {
    ipcRenderer.on(MENU, (_event, command: MenuCommand) => listener(command));
  },
};

contextBridge.exposeInMainWorld('cmdop', api);

// A port cannot cross the bridge: it is posted to the page's own window.
ipcRenderer.on(PORT, (event, id: unknown) => {
  window.postMessage({ cmdop: 'port', id }, window.location.origin, event.ports);
});

/** Errors cross as an Error whose message is Electron's own; only the sentence is kept. */
async function call<T>(name: keyof DesktopApi, argument?: unknown): Promise<T> {
  try {
    return await ipcRenderer.invoke(CALL + name, argument);
  } catch (error) {
    throw new Error(
      error instanceof Error ? error.message.replace(/^Error invoking remote method '[^']*': (\w*Error: )?/, '') : String(error),
    );
  }
}
