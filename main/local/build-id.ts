/** Which build a program is: a hash of its bundle, since two builds of one version differ too. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** Twelve hex digits; null for sources, of which no one file says what runs, and where the file cannot be read. */
export function buildId(bundle: string): string | null {
  if (bundle.endsWith('.ts')) return null;
  try {
    return createHash('sha256').update(readFileSync(bundle)).digest('hex').slice(0, 12);
  } catch {
    return null; // replaced or removed meanwhile
  }
}
