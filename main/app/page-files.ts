/** Which file of the page's folder a URL of its scheme names. Pure. */
import { extname, join, normalize, sep } from 'node:path';

export const APP_HOST = 'cmdop';

/** The file that `url` names, or null if it is not of our host, of no known type, or outside the folder. */
export function fileOf(url: string, folder: string): { path: string; type: string } | null {
  const { host, pathname } = new URL(url);
  if (host !== APP_HOST) return null;
  let name: string;
  try {
    name = decodeURIComponent(pathname === '/' ? '/index.html' : pathname);
  } catch {
    return null; // a broken %-escape
  }
  const path = normalize(join(folder, name));
  const type = TYPES[extname(path)];
  return type && path.startsWith(folder + sep) && !name.includes('\0') ? { path, type } : null;
}

/** What a page is made of; nothing else is served. */
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
  '.woff': 'font/woff',
};
