/** The account that this process runs as, also where the system has no entry for it, as for any number in a container. */
import { userInfo } from 'node:os';

export type Account = {
  /** -1 on Windows. */
  readonly uid: number;
  readonly name: string;
  readonly home: string;
  /** Its login shell; null where none is known. */
  readonly shell: string | null;
};

/** Never throws, as `userInfo` does. */
export function account(env: NodeJS.ProcessEnv = process.env): Account {
  try {
    const { uid, username, homedir, shell } = userInfo();
    return { uid, name: username, home: homedir, shell };
  } catch {
    const uid = process.getuid?.() ?? -1; // no entry: what the environment says
    return { uid, name: env.USER || env.LOGNAME || env.USERNAME || String(uid), home: env.HOME || '/', shell: null };
  }
}
