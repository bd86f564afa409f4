/** The page in a browser, served by the host: preferences stay in this browser, the link is a WebSocket. */
import { z } from 'zod';
import type { Preferences } from '../../preload/api.ts';
import { connectWebSocket } from '../transport/websocket.ts';
import { DEFAULT_PREFERENCES } from './default-preferences.ts';
import type { Platform } from './platform.ts';

const PREFERENCES_KEY = 'cmdop.preferences';
const NAME_KEY = 'cmdop.name';

const stored = z.object({
  theme: z.enum(['system', 'light', 'dark']),
  fontSize: z.number().min(6).max(40),
  tabs: z.array(z.string()),
  activeTab: z.string().nullable(),
  sidebar: z.boolean(),
  panel: z.enum(['actors', 'history']).nullable(),
});

export function browserPlatform(): Platform {
  return {
    interface: 'browser',
    isMac: navigator.platform.startsWith('Mac'),
    canReadClipboard: false,
    identity: async () => ({ name: localStorage.getItem(NAME_KEY) ?? 'browser' }),
    connect: () => {
      const url = new URL('ws', location.href);
      url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
      url.search = '';
      url.hash = '';
      return connectWebSocket(url.href);
    },
    preferences: async () => readPreferences(),
    savePreferences: async (preferences) => localStorage.setItem(PREFERENCES_KEY, JSON.stringify(preferences)),
    openExternal: async (url) => {
      window.open(url, '_blank', 'noopener,noreferrer');
    },
    readClipboard: () => navigator.clipboard.readText(),
    writeClipboard: (text) => navigator.clipboard.writeText(text),
    setTitle: (title) => {
      document.title = title;
    },
    onMenu: () => {},
  };
}

/** Sets the name by which this browser is called from the next load on. */
export function rememberName(name: string): void {
  localStorage.setItem(NAME_KEY, name);
}

function readPreferences(): Preferences {
  try {
    const parsed = stored.safeParse(JSON.parse(localStorage.getItem(PREFERENCES_KEY) ?? 'null'));
    return parsed.success ? parsed.data : DEFAULT_PREFERENCES;
  } catch {
    return DEFAULT_PREFERENCES; // not JSON: written by something else
  }
}
