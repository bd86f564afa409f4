/** The files of the interface for browsers, and what every answer of a server of ours says to the browser that asks. */
import { createReadStream, realpathSync, statSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { extname, join, normalize, sep } from 'node:path';

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
  '.ico': 'image/x-icon',
};

export const HEADERS = {
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-store',
};

type Wanted = { rendererDir: string; pathname: string; isHead: boolean; policy: string };

export function sendFile({ rendererDir, pathname, isHead, policy }: Wanted, response: ServerResponse): void {
  try {
    const root = realpathSync(rendererDir);
    const path = realpathSync(join(root, normalize(decodeURIComponent(pathname === '/' ? '/index.html' : pathname))));
    if (!path.startsWith(root + sep)) return refuse(response, 404, 'not found');
    const { size } = statSync(path);
    response.writeHead(200, {
      ...HEADERS,
      'Content-Type': TYPES[extname(path)] ?? 'application/octet-stream',
      'Content-Length': size,
      'Content-Security-Policy': policy,
    });
    if (isHead) response.end();
    else
      createReadStream(path)
        .on('error', () => response.destroy())
        .pipe(response);
  } catch {
    refuse(response, 404, 'not found'); // no such file, or a broken %-escape
  }
}

/** What a page of the interface may do; `socket`: where it finds its host. */
export const pagePolicy = (socket: string): string =>
  `default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self'; img-src 'self' data:; connect-src 'self' ${socket}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

export function refuse(response: ServerResponse, status: number, sentence: string): void {
  response.writeHead(status, { ...HEADERS, 'Content-Type': 'text/plain; charset=utf-8' });
  response.end(`${sentence}\n`);
}
