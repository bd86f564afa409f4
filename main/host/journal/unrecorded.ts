/**
 * A time of which the journal knows nothing, since its file could not be written: a note beside the sockets says since when,
 * and the next host that can write has it in the journal.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { removeFile } from '../remove-file.ts';
import type { Journal } from './journal.ts';
import { fromJson } from './stored-shapes.ts';

const note = z.object({ since: z.number() });

/** To be called when a host starts, before it records anything else. */
export function tellUnrecorded(journal: Journal, { file, now }: { file: string; now: number }): void {
  const forget = () => {
    if (existsSync(file)) removeFile(file, 'and the next host records it once more');
  };
  const known = read(file);
  if (!journal.isKept) {
    if (known === null) write(file, now);
    void journal.kept.then(forget);
    return;
  }
  if (known === null) return;
  const payload = { is: 'unrecorded', since: known.since, until: now };
  journal.append({ session: null, actor: null, interface: null, kind: 'host', outputOffset: null, payload });
  forget();
}

function read(file: string): z.infer<typeof note> | null {
  try {
    return fromJson(note, readFileSync(file, 'utf8'));
  } catch {
    return null; // there was no such time
  }
}

function write(file: string, since: number): void {
  try {
    writeFileSync(file, JSON.stringify({ since }), { mode: 0o600 });
  } catch (error) {
    console.error(`${file} cannot be written: the next host does not record that nothing was recorded:`, error);
  }
}
