/** What the user chose in the window, kept across starts. */
import { join } from 'node:path';
import { app, nativeTheme } from 'electron';
import { z } from 'zod';
import { DEFAULT_PREFERENCES, type Preferences } from '../../preload/api.ts';
import { readJsonFile, writeJsonFile } from './json-file.ts';

/** More open tabs than anyone keeps; a bound on what a broken page can write. */
const MAX_TABS = 500;

/** `cmdop://HOST/ID`, with the host's name escaped; before there were remote hosts, an id alone. */
const tab = z.string().max(1024);
export const hostName = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[^\s\p{Cc}-][^\s\p{Cc}]*$/u, "a host is called by a name of SSH's configuration or as user@name:port, without spaces");
/** More hosts than anyone looks at in one window. */
const MAX_HOSTS = 100;

export const preferencesSchema: z.ZodType<Preferences> = z.object({
  theme: z.enum(['system', 'light', 'dark']),
  fontSize: z.number().min(6).max(72),
  tabs: z.array(tab).max(MAX_TABS),
  activeTab: tab.nullable(),
  hosts: z.array(hostName).max(MAX_HOSTS).default([]),
  sidebar: z.boolean(),
  panel: z.enum(['actors', 'history', 'approvals', 'files', 'ports', 'processes']).nullable(),
  echoPrediction: z.enum(['slow', 'always', 'never']).default('slow'),
});

/** Read once: one app at a time has this folder. */
let current: Preferences | null = null;

export function loadPreferences(): Preferences {
  current ??= readJsonFile(file(), preferencesSchema, DEFAULT_PREFERENCES);
  nativeTheme.themeSource = current.theme;
  return current;
}

export function savePreferences(preferences: Preferences): void {
  current = preferences;
  nativeTheme.themeSource = preferences.theme;
  writeJsonFile(file(), preferences);
}

const file = () => join(app.getPath('userData'), 'preferences.json');
