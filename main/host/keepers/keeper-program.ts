/** What is run to keep a session: the small program where there is one for this machine, else the same in JavaScript. */
import { IDLE_FLAGS, nativePath, nodePath, programPath } from '#local/runtime.ts';

export type KeeperProgram = { file: string; args: readonly string[] };

/**
 * Node's flags for a keeper: it relays bytes and holds few objects, so a small young generation and no worker threads
 * for the compiler and collector; measured as private memory per idle session (test/bench).
 */
const KEEPER_FLAGS = ['--max-semi-space-size=1', '--v8-pool-size=0', ...IDLE_FLAGS, '--no-warnings'];

/** Room for the name under which lists of processes show it. */
const TITLE = 'session'.padEnd(48, ' ');

/** Throws `host-unreachable` where cmdop is not whole. */
export function keeperProgram(): KeeperProgram {
  return nativeKeeper() ?? nodeKeeper();
}

/** Null where it could not be made. */
export function nativeKeeper(): KeeperProgram | null {
  const file = nativePath('keeper');
  return file === null ? null : { file, args: [TITLE] };
}

export function nodeKeeper(): KeeperProgram {
  return { file: nodePath(), args: [...KEEPER_FLAGS, programPath('keeper')] };
}
