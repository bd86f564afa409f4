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
  const length = folder.endsWith('/') ? folder.length - 1 : folder.length;
  if (path.length < length || (path.length > length && path[length] !== '/')) return false;
  return path.startsWith(length === folder.length ? folder : folder.slice(0, length));
}
