/** What the tests of typing past the host begin with: a session that writes down what it reads, and somebody who types there alone. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Engine, Person, Watched } from './engine.ts';

/** What reached the program of `newNotes`. */
export const typedIn = ({ home }: Engine) => readFileSync(join(home, 'typed'), 'latin1');

/** The session `notes`, which writes down what it reads, as it reads it, and shows it; or runs `script`. */
export async function newNotes({ home }: Engine, { client }: Person, script?: string): Promise<void> {
  const run = script ?? `stty raw -echo; printf ready; exec tee ${join(home, 'typed')}`;
  await client.request('session.create', { name: 'notes', command: ['/bin/sh', '-c', run], cwd: home });
}

/** Until typing is delegated to them anew. */
export async function atEase(person: Person, view: Watched): Promise<void> {
  const before = person.straight;
  for (let n = 0; n < 200 && person.straight === before; n++) expect((await view.type('.')).verdict).toBe('applied');
  await person.until(() => person.straight > before);
}

type Unit = { actor: string | null; payload: Record<string, unknown> };

/** All that the journal has of input in `notes`. */
export async function inputsOf({ client }: Person): Promise<Unit[]> {
  const units: Unit[] = [];
  for (let after = 0; ; ) {
    const { events } = await client.request('journal.list', { session: 'notes', kinds: ['input'], limit: 500, after });
    units.push(...events.map(({ actorName, payload }) => ({ actor: actorName, payload })));
    const last = events.at(-1);
    if (!last) return units;
    after = last.seq;
  }
}
