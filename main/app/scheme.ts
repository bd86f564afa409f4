/** `app://cmdop/`: the page's own origin, which serves the files of one folder and nothing else. */
import { readFile } from 'node:fs/promises';
import { extname, join, normalize, sep } from 'node:path';
import { protocol } from 'electron';

export const APP_ORIGIN = 'app://cmdop';
export const APP_PAGE = `${APP_ORIGIN}/index.html`;

/**
 * The page loads its own files and nothing else; it reaches the host through a port, so it may connect nowhere.
 * xterm.js sets styles from script, hence the inline styles.
 */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "font-src 'self'",
  "img-src 'self' data:",
  "connect-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

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

/** Must run before the app is ready. */
export function registerScheme(): void {
  protocol.registerSchemesAsPrivileged([{ scheme: 'app', privileges: { standard: true, secure: true, supportFetchAPI: true } }]);
}

export function serveScheme(folder: string): void {
  protocol.handle('app', async (request) => {
    const file = request.method === 'GET' ? fileOf(request.url, folder) : null;
    if (!file) return new Response(null, { status: 404 });
    try {
      return new Response(await readFile(file.path), {
        headers: {
          'content-type': file.type,
          'content-security-policy': CONTENT_SECURITY_POLICY,
          'x-content-type-options': 'nosniff',
          'cross-origin-opener-policy': 'same-origin',
          'cache-control': 'no-cache',
        },
      });
    } catch {
      return new Response(null, { status: 404 }); // no such file
    }
  });
}

/** The file that `url` names, or null if it is not of our host, of no known type, or outside the folder. */
export function fileOf(url: string, folder: string): { path: string; type: string } | null {
  const { host, pathname } = new URL(url);
  if (host !== 'cmdop') return null;
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
