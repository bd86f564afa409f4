/** The bridge between the app and its page: exactly the functions of api.ts, each one call to the app. */
import { contextBridge, ipcRenderer, webUtils } from 'electron';
import type {
  AppEvent,
  DesktopApi,
  FolderDecision,
  Notice,
  Preferences,
  QuestionAnswer,
  WantedFolder,
  WantedForward,
  WantedInvite,
  WindowTitle,
} from './api.ts';
import { type Answer, CALL, EVENT, LISTENING, PORT, VERSION_ARGUMENT } from './channels.ts';

const api: DesktopApi = {
  platform: process.platform === 'darwin' || process.platform === 'win32' ? process.platform : 'linux',
  version: process.argv.find((argument) => argument.startsWith(VERSION_ARGUMENT))?.slice(VERSION_ARGUMENT.length) ?? '',
  identity: () => call('identity'),
  hosts: () => call('hosts'),
  connect: (host: string) => call('connect', host),
  connectKeeper: (socket: string) => call('connectKeeper', socket),
  answer: (answer: QuestionAnswer) => call('answer', answer),
  key: () => call('key'),
  lookAtInvite: (wanted: WantedInvite) => call('lookAtInvite', wanted),
  join: (wanted: WantedInvite) => call('join', wanted),
  endJoining: () => call('endJoining'),
  install: (host: string) => call('install', host),
  hostBuild: (host: string) => call('hostBuild', host),
  forward: (wanted: WantedForward) => call('forward', wanted),
  endForward: (id: number) => call('endForward', id),
  forwards: () => call('forwards'),
  // Only what was dropped has a path: a page cannot name one.
  sendFolder: (dropped: File, wanted: Omit<WantedFolder, 'path'>) =>
    call('sendFolder', { ...wanted, path: webUtils.getPathForFile(dropped) }),
  decideFolder: (decision: FolderDecision) => call('decideFolder', decision),
  preferences: () => call('preferences'),
  savePreferences: (preferences: Preferences) => call('savePreferences', preferences),
  openExternal: (url: string) => call('openExternal', url),
  pathOf: (file: File) => webUtils.getPathForFile(file),
  readClipboard: () => call('readClipboard'),
  writeClipboard: (text: string) => call('writeClipboard', text),
  setTitle: (title: WindowTitle) => call('setTitle', title),
  notify: (notice: Notice) => call('notify', notice),
  onEvent: (listener) => {
    ipcRenderer.on(EVENT, (_event, event: AppEvent) => listener(event));
    ipcRenderer.send(LISTENING);
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
