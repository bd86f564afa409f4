/** How the interface writes paths, times, durations and sizes. Pure. */
import { shownText } from '#session/shown-text.ts';

/** `/home/ann/src` as `~/src`: the page does not know the host's home folder, so the usual places count as one. */
export function shortenPath(path: string): string {
  return path.replace(/^(\/root|\/home\/[^/]+|\/Users\/[^/]+|[A-Z]:\\Users\\[^\\]+)(?=[/\\]|$)/, '~');
}

/** The last folder of a path, for where there is little room. */
export function folderName(path: string): string {
  const short = shortenPath(path);
  return short.split(/[/\\]/).filter(Boolean).at(-1) ?? short;
}

export function durationText(milliseconds: number): string {
  if (milliseconds < 1_000) return `${Math.round(milliseconds)} ms`;
  const seconds = milliseconds / 1_000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export function bytesText(bytes: number): string {
  if (bytes < 1024) return bytes === 1 ? '1 byte' : `${bytes} bytes`;
  if (bytes < 1024 * 1024) return `${(bytes / 1024).toFixed(0)} KiB`;
  if (bytes < 1024 ** 3) return `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
  return `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
}

/** Time of day, with the date where it is not today's. */
export function timeText(time: number, now = Date.now()): string {
  const date = new Date(time);
  const clock = date.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  const isToday = date.toDateString() === new Date(now).toDateString();
  return isToday ? clock : `${date.toLocaleDateString([], { month: 'short', day: 'numeric' })}, ${clock}`;
}

/** Up to two letters that stand for a name. */
export function initials(name: string): string {
  const words = name.split(/[^\p{L}\p{N}]+/u).filter(Boolean);
  const letters = words.length > 1 ? [words[0], words[1]].map((word) => [...(word ?? '')][0]) : [...(words[0] ?? '?')].slice(0, 2);
  const text = letters.join('');
  return words.length > 1 ? text.toUpperCase() : text.charAt(0).toUpperCase() + text.slice(1);
}

export function latencyText(milliseconds: number): string {
  return milliseconds < 1 ? '< 1 ms' : `${Math.round(milliseconds)} ms`;
}

/** `1 file`, `2 files`. */
export const countText = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

/** `node server.js` of `/usr/bin/node server.js --port 3000`. */
export function programText(command: string): string {
  const [program = '', ...rest] = command.split(' ');
  return [program.slice(program.lastIndexOf('/') + 1), ...rest].join(' ');
}

/** A command line in one row, with what hides in it or turns it round written out. */
export const commandText = ({ text }: { text: string }): string => shownText(text.replaceAll(/[\n\t]/g, ' '));
