/** The page in a browser, served by the host: preferences stay in this browser, the link is a WebSocket. */
import { z } from 'zod';
import { DEFAULT_PREFERENCES, type Preferences } from '../../preload/api.ts';
import { connectWebSocket } from '../transport/websocket.ts';
import type { Platform } from './platform-api.ts';
import { signInKey, takeKeyFromAddress } from './sign-in-key.ts';

const PREFERENCES_KEY = 'cmdop.preferences';

const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '[::1]']);

const stored = z.object({
  theme: z.enum(['system', 'light', 'dark']),
  fontSize: z.number().min(6).max(40),
  tabs: z.array(z.string()),
  activeTab: z.string().nullable(),
  hosts: z.array(z.string()).default([]),
  sidebar: z.boolean(),
  panel: z.enum(['actors', 'history', 'approvals', 'files', 'ports', 'processes']).nullable(),
  echoPrediction: z.enum(['slow', 'always', 'never']).default('slow'),
});

export function browserPlatform(): Platform {
  takeKeyFromAddress();
  return {
    interface: 'browser',
    isMac: navigator.platform.startsWith('Mac'),
    canReadClipboard: false,
    identity: async () => ({ name: nameOfLink() ?? 'browser' }),
    reachesHosts: false,
    hosts: async () => [],
    connect: () => {
      const url = new URL('ws', location.href);
      url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
      url.search = '';
      url.hash = '';
      return connectWebSocket(url.href, signInKey());
    },
    openKeeper: null,
    answer: async () => {},
    key: () => Promise.reject(notHere()),
    lookAtInvite: () => Promise.reject(notHere()),
    join: () => Promise.reject(notHere()),
    endJoining: async () => {},
    install: async () => {},
    hostBuild: async () => null,
    isBesideHost: LOOPBACK.has(location.hostname),
    canForward: false,
    forward: async () => {
      throw new Error('a browser cannot open ports: use the app, or `cmdop forward`');
    },
    endForward: async () => {},
    forwards: async () => [],
    sendFolder: null,
    decideFolder: async () => {},
    preferences: async () => readPreferences(),
    savePreferences: async (preferences) => localStorage.setItem(PREFERENCES_KEY, JSON.stringify(preferences)),
    openExternal: async (url) => {
      window.open(url, '_blank', 'noopener,noreferrer');
    },
    pathOf: () => null,
    readClipboard: () => navigator.clipboard.readText(),
    writeClipboard: (text) => navigator.clipboard.writeText(text),
    setTitle: ({ text }) => {
      document.title = text;
    },
    notify: async ({ title, body, about }) => {
      if (document.hasFocus() || !('Notification' in window) || Notification.permission !== 'granted') return;
      new Notification(title, { body, tag: about });
    },
    onEvent: () => {},
  };
}

const notHere = () => new Error('a browser has no key of its own: join in the app, or with `cmdop join`');

/** What the person who asked for this browser's link is called, as the host wrote it down when the link was opened. */
function nameOfLink(): string | null {
  const value = new RegExp(`(?:^|; )cmdop_${location.port}_name=([^;]+)`).exec(document.cookie)?.[1];
  try {
    return value ? decodeURIComponent(value) : null;
  } catch {
    return null; // not written by the host
  }
}

function readPreferences(): Preferences {
  try {
    const parsed = stored.safeParse(JSON.parse(localStorage.getItem(PREFERENCES_KEY) ?? 'null'));
    return parsed.success ? parsed.data : DEFAULT_PREFERENCES;
  } catch {
    return DEFAULT_PREFERENCES; // not JSON: written by something else
  }
}
