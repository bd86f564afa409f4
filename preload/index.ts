/** The bridge between the app and its page: exactly the functions of api.ts, each one call to the app. */
import { contextBridge, ipcRenderer } from 'electron';
import type { DesktopApi, MenuCommand, Preferences } from './api.ts';
import { type Answer, CALL, MENU, PORT, VERSION_ARGUMENT } from './channels.ts';

const api: DesktopApi = {
  platform: process.platform === 'darwin' || process.platform === 'win32' ? process.platform : 'linux',
  version: process.argv.find((argument) => argument.startsWith(VERSION_ARGUMENT))?.slice(VERSION_ARGUMENT.length) ?? '',
  identity: () => call('identity'),
  connect: () => call('connect'),
  hostBuild: () => call('hostBuild'),
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

async function call<T>(name: keyof DesktopApi, argument?: unknown): Promise<T> {
  const answer: Answer<T> = await ipcRenderer.invoke(CALL + name, argument);
  if ('error' in answer) throw new Error(answer.error);
  return answer.result;
}
