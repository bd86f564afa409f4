/** What the user chose in the window, kept across starts. */
import { join } from 'node:path';
import { app, nativeTheme } from 'electron';
import { z } from 'zod';
import type { Preferences } from '../../preload/api.ts';
import { readJsonFile, writeJsonFile } from './json-file.ts';

/** More open tabs than anyone keeps; a bound on what a broken page can write. */
const MAX_TABS = 500;

const sessionId = z.string().max(64);

export const preferencesSchema: z.ZodType<Preferences> = z.object({
  theme: z.enum(['system', 'light', 'dark']),
  fontSize: z.number().min(6).max(72),
  tabs: z.array(sessionId).max(MAX_TABS),
  activeTab: sessionId.nullable(),
  sidebar: z.boolean(),
  panel: z.enum(['actors', 'history']).nullable(),
});

const DEFAULTS: Preferences = { theme: 'system', fontSize: 13, tabs: [], activeTab: null, sidebar: true, panel: 'actors' };

/** Read once: one app at a time has this folder. */
let current: Preferences | null = null;

export function loadPreferences(): Preferences {
  current ??= readJsonFile(file(), preferencesSchema, DEFAULTS);
  nativeTheme.themeSource = current.theme;
  return current;
}

export function savePreferences(preferences: Preferences): void {
  current = preferences;
  nativeTheme.themeSource = preferences.theme;
  writeJsonFile(file(), preferences);
}

const file = () => join(app.getPath('userData'), 'preferences.json');
