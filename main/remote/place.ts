/** What `cmdop bridge --where` tells of a machine: where its host listens, and which build its cmdop is. */
import { z } from 'zod';
import { CmdopError } from '#protocol/errors.ts';
import { MAGIC } from '#protocol/frames.ts';
import { origin } from '#protocol/shapes.ts';
import { type BridgeProgram, failure, slow, tailOf } from './bridge-stream.ts';

/** How long it may take, milliseconds, with a host to start and a slow login script. */
const WHERE_MS = 20_000;
/** Most that is read, bytes: noise of a login, and one line. */
const MAX_ANSWER_BYTES = 128 * 1024;

const place = z.object({
  /** Path of the host's socket there. */
  socket: z.string().min(1).max(4096),
  /** False only where it was not to be started. */
  isRunning: z.boolean(),
  origin,
  version: z.string().max(64),
  /** Content hash of its host program; null where it runs from sources. */
  build: z.string().max(64).nullable(),
  /** Node and host program there, for a handoff to that build. */
  node: z.string().max(4096),
  hostBundle: z.string().max(4096),
});
export type Place = z.infer<typeof place>;

/**
 * Waits for the answer of a program that was started with `bridge --where`; null if it bridges instead, as an account
 * with a forced command does. Throws as `bridgeTransport`.
 */
export async function readPlace(program: BridgeProgram, host: string): Promise<Place | null> {
  const words = tailOf(program.stderr);
  program.stdin.on('error', () => {}); // its end tells
  program.stdin.end();
  let seen = Buffer.alloc(0);
  program.stdout.on('error', () => {});
  program.stdout.on('data', (bytes: Buffer) => {
    seen = Buffer.concat([seen, bytes]);
    if (seen.length > MAX_ANSWER_BYTES) program.stdout.destroy();
  });
  const closed = new Promise<void>((resolve) => program.stdout.once('close', resolve));
  let timer: NodeJS.Timeout | null = null;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), WHERE_MS);
  });
  const ended = await Promise.race([closed.then(() => program.exited), late]);
  if (timer) clearTimeout(timer);
  if (ended === 'late') {
    program.stdout.destroy();
    throw slow({ host, seen, afterMs: WHERE_MS });
  }
  const line = /^cmdop-where (\{.*\})\s*$/m.exec(seen.toString())?.[1];
  const answer = place.safeParse(parse(line));
  if (answer.success) return answer.data;
  if (seen.indexOf(MAGIC) >= 0) return null;
  if (ended.code === 0) {
    throw new CmdopError('host-unreachable', `${host}: its cmdop answers in a form that this one does not know: install the same version`);
  }
  throw failure({ host, end: ended, words: words(), seen: words() === '' ? seen : Buffer.alloc(0) });
}

function parse(line: string | undefined): unknown {
  try {
    return line === undefined ? undefined : JSON.parse(line);
  } catch {
    return undefined; // the schema refuses it
  }
}
