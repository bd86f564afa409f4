/** Sizes as people write and read them. Pure. */

const UNITS = ['B', 'K', 'M', 'G', 'T'] as const;

/** Bytes in `64M`, `2G`, `1.5 GiB` or a plain number; null if `text` is no size. */
export function parseBytes(text: string): number | null {
  const [, amount, unit = 'B'] = /^\s*(\d+(?:\.\d+)?)\s*([BKMGT])?(?:i?B)?\s*$/i.exec(text) ?? [];
  const power = UNITS.findIndex((each) => each.startsWith(unit.toUpperCase()));
  const bytes = Math.round(Number(amount) * 1024 ** power);
  return amount !== undefined && Number.isSafeInteger(bytes) ? bytes : null;
}

/** `0 B`, `940 K`, `1.5 M`, `64 M`: at most three digits. */
export function showBytes(bytes: number): string {
  let [amount, power] = [bytes, 0];
  while (amount >= 1000 && power < UNITS.length - 1) [amount, power] = [amount / 1024, power + 1];
  return `${amount >= 10 || power === 0 ? Math.round(amount) : amount.toFixed(1)} ${UNITS[power]}`;
}
