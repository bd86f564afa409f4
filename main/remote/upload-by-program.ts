/** Sends a file through the standard input of a program, to machines without SFTP; goes on where an earlier attempt broke off. */
import { open } from 'node:fs/promises';
import { type BridgeProgram, lastLine, tailOf } from './bridge-stream.ts';
import type { Machine } from './install-machine.ts';
import { answersIn, RECEIVE } from './install-scripts.ts';

/** One write, bytes: RECEIVE counts in these. */
const CHUNK_BYTES = 32 * 1024;
/** Longest until the program takes the first byte, milliseconds: a login script may wait for an answer for ever. */
const READY_MS = 20_000;
/** How RECEIVE ends where the file cannot be written; ssh ends with 255 where its line broke, a killed container's program with 137. */
const REFUSED: ReadonlySet<number | null> = new Set([1, 2]);
/** Most that is read of what it prints, bytes. */
const MAX_ANSWER_BYTES = 64 * 1024;

export type ProgramUpload = {
  readonly machine: Machine;
  readonly from: string;
  readonly to: string;
  readonly bytes: number;
  /** How much is on its way, as it grows. */
  progress(sentBytes: number): void;
};

/** Rejects with what the machine said: with a number as `code` if it cannot write there, without one if the line broke. */
export async function uploadByProgram({ machine, from, to, bytes, progress }: ProgramUpload): Promise<void> {
  const program = await machine.run(RECEIVE, [to, String(bytes), String(CHUNK_BYTES)]);
  const words = tailOf(program.stderr);
  const broken = program.exited.then(({ code, signal, error }) => {
    if (error) throw error;
    const why = lastLine(words()) || (signal ? `ended by ${signal}` : 'the connection broke');
    if (code !== 0) throw Object.assign(new Error(why), REFUSED.has(code) ? { code } : {});
  });
  broken.catch(() => {}); // awaited below
  program.stdin.on('error', () => {}); // `exited` tells
  const start = await Promise.race([startIn(program), broken.then(() => Promise.reject(new Error('it took nothing')))]);
  const file = await open(from, 'r');
  try {
    for (let at = start; at < bytes; ) {
      const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, bytes - at));
      await file.read(chunk, 0, chunk.length, at);
      if (!program.stdin.write(chunk)) await Promise.race([new Promise((drained) => program.stdin.once('drain', drained)), broken]);
      at += chunk.length;
      progress(at);
    }
  } finally {
    await file.close();
    program.stdin.end();
  }
  await broken;
}

/** How much of the file is there, once the program is ready for the rest. */
function startIn({ stdout }: BridgeProgram): Promise<number> {
  return new Promise((resolve, reject) => {
    let printed = '';
    const timer = setTimeout(() => reject(new Error('it was not ready in time: a login script must not ask or wait')), READY_MS);
    stdout.on('error', () => {}); // its end tells
    stdout.on('data', (bytes: Buffer) => {
      if (printed.length > MAX_ANSWER_BYTES) return;
      printed += bytes.toString();
      if (!/^cmdop-look ready=\r?\n/m.test(printed)) return;
      const from = answersIn(printed).values.get('from') ?? '';
      if (!/^\d{1,15}$/.test(from)) return;
      clearTimeout(timer);
      resolve(Number(from));
    });
    stdout.once('close', () => clearTimeout(timer));
  });
}
