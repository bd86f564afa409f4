/** Times and durations as people write and read them. Pure. */

const UNIT_MS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** Milliseconds in `90s`, `10m`, `1h30m`, or a plain number of seconds; null if `text` is no duration. */
export function parseDuration(text: string): number | null {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1_000;
  if (!/^(\d+(\.\d+)?(ms|[smhdw]))+$/.test(text)) return null;
  let total = 0;
  for (const [, amount, , unit] of text.matchAll(/(\d+(\.\d+)?)(ms|[smhdw])/g)) total += Number(amount) * (UNIT_MS[unit ?? ''] ?? 0);
  return total;
}

/** Unix time of `10m` (ago), `yesterday`, `2026-11-22` (local midnight), `14:30` (today) or an ISO time; null if it is none. */
export function parseSince(text: string, now: number): number | null {
  const trimmed = text.trim();
  const ago = /^\d+$/.test(trimmed) ? null : parseDuration(trimmed.replace(/\s*ago$/, ''));
  if (ago !== null) return now - ago;
  const midnight = new Date(now);
  midnight.setHours(0, 0, 0, 0);
  if (trimmed === 'today') return midnight.getTime();
  if (trimmed === 'yesterday') return midnight.setDate(midnight.getDate() - 1);
  const clock = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/.exec(trimmed);
  if (clock) return validTime(midnight.setHours(Number(clock[1]), Number(clock[2]), Number(clock[3] ?? 0)), clock);
  // A date alone would be read as midnight in Greenwich.
  if (/^\d{4}-\d{2}-\d{2}$/.test(trimmed)) return validDate(`${trimmed}T00:00:00`, trimmed);
  return /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}/.test(trimmed) ? validDate(trimmed.replace(' ', 'T'), trimmed) : null;
}

function validTime(time: number, [, hours, minutes, seconds]: readonly (string | undefined)[]): number | null {
  return Number(hours) < 24 && Number(minutes) < 60 && Number(seconds ?? 0) < 60 ? time : null;
}

/** JavaScript reads 30 February as 2 March. */
function validDate(iso: string, given: string): number | null {
  const time = new Date(iso);
  if (Number.isNaN(time.getTime())) return null;
  const isOwnZone = !/(Z|[+-]\d{2}:?\d{2})$/.test(iso);
  return isOwnZone && time.getDate() !== Number(given.slice(8, 10)) ? null : time.getTime();
}

/** `0.3s`, `12s`, `4m10s`, `2h05m`, `3d04h`: two units at most. */
export function showDuration(ms: number): string {
  if (ms < 10_000) return `${(ms / 1_000).toFixed(1)}s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m${pad(seconds % 60)}s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours}h${pad(minutes % 60)}m`;
  return `${Math.floor(hours / 24)}d${pad(hours % 24)}h`;
}

/** How long ago, in one unit: `5s`, `12m`, `3h`, `9d`. */
export function showAge(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

/** `14:05:09`, with the date in front unless it is today's. */
export function showTime(time: number, now: number): string {
  const date = new Date(time);
  const clock = `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
  if (date.toDateString() === new Date(now).toDateString()) return clock;
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())} ${clock}`;
}

const pad = (number: number) => String(number).padStart(2, '0');
