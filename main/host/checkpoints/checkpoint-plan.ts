/** Decides which checkpoints are kept no longer. The newest of a folder never goes, and what people asked for goes last. */

export type Keepable = {
  readonly id: number;
  readonly folder: string;
  readonly at: number;
  readonly reason: 'asked' | 'agent' | 'restore';
};

/** Of one folder: made by themselves, and asked for. Some more are let be, so that room is made for many at once. */
export const MAX_UNASKED = 50;
export const MAX_ASKED = 500;
const SLACK = 1.5;
/** A folder that is gone, or where nobody works any more, milliseconds since its last: what made themselves go. */
const FORGOTTEN_MS = 90 * 24 * 60 * 60 * 1000;

/** `kept`: of one folder, oldest first. Null: nothing has to go. */
export function beyondCount(kept: readonly Keepable[]): ReadonlySet<number> | null {
  const isAsked = ({ reason }: Keepable) => reason === 'asked';
  const all = kept.slice(0, -1);
  const asked = all.filter(isAsked);
  const unasked = all.filter((each) => !isAsked(each));
  const going = [
    ...(unasked.length > MAX_UNASKED * SLACK ? unasked.slice(0, unasked.length - MAX_UNASKED) : []),
    ...(asked.length > MAX_ASKED * SLACK ? asked.slice(0, asked.length - MAX_ASKED) : []),
  ];
  return going.length > 0 ? new Set(going.map(({ id }) => id)) : null;
}

/** Where all together take too much: the oldest quarter of what the biggest folder has beside its newest. Null: nothing can go. */
export function beyondBytes(
  sizes: readonly { readonly folder: string; readonly bytes: number; readonly kept: readonly Keepable[] }[],
  maxBytes: number,
): ReadonlySet<number> | null {
  const total = sizes.reduce((sum, { bytes }) => sum + bytes, 0);
  if (total <= maxBytes) return null;
  const biggest = sizes.filter(({ kept }) => kept.length > 1).toSorted((a, b) => b.bytes - a.bytes)[0];
  if (!biggest) return null;
  const older = biggest.kept.slice(0, -1);
  const inOrder = [...older.filter(({ reason }) => reason !== 'asked'), ...older.filter(({ reason }) => reason === 'asked')];
  return new Set(inOrder.slice(0, Math.ceil(inOrder.length / 4)).map(({ id }) => id));
}

/** Made by themselves, in folders where nothing was made for long. */
export function forgotten(all: readonly Keepable[], now: number): ReadonlySet<number> {
  const newest = new Map<string, number>();
  for (const { folder, at } of all) newest.set(folder, Math.max(at, newest.get(folder) ?? 0));
  return new Set(
    all.filter(({ folder, reason }) => reason !== 'asked' && now - (newest.get(folder) ?? now) > FORGOTTEN_MS).map(({ id }) => id),
  );
}
