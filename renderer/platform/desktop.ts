/** The page in the desktop app: everything goes through `window.cmdop`. */
import type { DesktopApi } from '../../preload/api.ts';
import { connectKeeperPort, connectMessagePort } from '../transport/message-port.ts';
import { appEvent } from './app-events.ts';
import type { Platform } from './platform-api.ts';

export function desktopPlatform(app: DesktopApi): Platform {
  return {
    interface: 'desktop',
    isMac: app.platform === 'darwin',
    canReadClipboard: true,
    identity: () => app.identity(),
    reachesHosts: true,
    hosts: () => app.hosts(),
    connect: (host) => connectMessagePort(app, host),
    openKeeper: (socket) => connectKeeperPort(app, socket),
    answer: (answer) => app.answer(answer),
    key: () => app.key(),
    lookAtInvite: (wanted) => app.lookAtInvite(wanted),
    join: (wanted) => app.join(wanted),
    endJoining: () => app.endJoining(),
    install: (host) => app.install(host),
    hostBuild: (host) => app.hostBuild(host),
    isBesideHost: true,
    canForward: true,
    forward: (wanted) => app.forward(wanted),
    endForward: (id) => app.endForward(id),
    forwards: () => app.forwards(),
    sendFolder: (dropped, wanted) => app.sendFolder(dropped, wanted),
    decideFolder: (decision) => app.decideFolder(decision),
    preferences: () => app.preferences(),
    savePreferences: (preferences) => app.savePreferences(preferences),
    openExternal: (url) => app.openExternal(url),
    pathOf: (file) => app.pathOf(file),
    readClipboard: () => app.readClipboard(),
    writeClipboard: (text) => app.writeClipboard(text),
    setTitle: (title) => {
      document.title = title.text;
      void app.setTitle(title);
    },
    notify: (notice) => app.notify(notice),
    onEvent: (listener) =>
      app.onEvent((event) => {
        const known = appEvent.safeParse(event);
        if (known.success) listener(known.data);
      }),
  };
}
