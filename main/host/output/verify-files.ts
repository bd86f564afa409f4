/** Checks what a host and its sessions have on disk beside the journal's chain, and names each damaged file with its reason. */
import { readdir } from 'node:fs/promises';
import { basename } from 'node:path';
import type { VerifyReport } from '#protocol/shapes.ts';
import type { LiveSession } from '../sessions/live-session.ts';
import type { StateFiles } from '../state-files.ts';

/** Named at most: an answer must fit in a frame. */
const MAX_NAMED = 500;

/** One file after the other, read and unpacked off this thread: sessions go on. */
export async function verifyFiles(options: {
  stateDir: string;
  journalFile: string;
  stateFiles: StateFiles;
  sessions: LiveSession[];
}): Promise<NonNullable<VerifyReport['damaged']>> {
  const { stateDir, journalFile, stateFiles, sessions } = options;
  const aside = (await readdir(stateDir)).filter(
    (name) => name.startsWith(`${basename(journalFile)}.damaged-`) && !/-(wal|shm|tail-[ab])$/.test(name),
  );
  const damaged = aside.map((file) => ({ file, reason: 'a journal that was damaged and set aside: remove it when you need it no more' }));
  damaged.push(...stateFiles.verify());
  for (const session of sessions) {
    for (const { file, reason } of await session.output.verify()) {
      if (damaged.length < MAX_NAMED) damaged.push({ file: `sessions/${session.id}/${file}`, reason });
    }
  }
  return damaged;
}
