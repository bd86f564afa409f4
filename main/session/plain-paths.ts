/** Absolute Unix paths as text: resolved and compared without looking at the disk. Pure. */

/** `path` from `folder` on, without `.`, `..` and doubled slashes; `~` is `home`. */
export function resolvePath(path: string, { folder, home }: { folder: string; home: string }): string {
  const whole = /^~(\/|$)/.test(path) ? home + path.slice(1) : path.startsWith('/') ? path : `${folder}/${path}`;
  const parts: string[] = [];
  for (const part of whole.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

/** Whether `path` is `folder` or below it; both absolute. */
export function isWithin(path: string, folder: string): boolean {
  const base = folder.endsWith('/') ? folder.slice(0, -1) : folder;
  return path === base || path.startsWith(`${base}/`);
}
