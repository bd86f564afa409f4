/** The user's own folder: as the environment says, else as the system knows the account. */
import { homedir } from 'node:os';
import { account } from './account.ts';

/** A service, `env -i` and some containers leave HOME out or empty, and an empty one makes every path relative. */
export function homeFolder(env: NodeJS.ProcessEnv = process.env): string {
  return process.platform === 'win32' ? homedir() : env.HOME || account(env).home || '/';
}
