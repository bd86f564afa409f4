/** Where the page runs: in the desktop app or a browser. */
import { browserPlatform } from './browser.ts';
import { desktopPlatform } from './desktop.ts';
import type { Platform } from './platform-api.ts';

export const platform: Platform = window.cmdop ? desktopPlatform(window.cmdop) : browserPlatform();
