/** What the person at this machine is called: read from git's settings without starting git, else the operating system. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { account } from './account.ts';
import { homeFolder } from './home-folder.ts';

/** The wire's limit for an actor's name, characters. */
const MAX_NAME = 64;

/** `given` (a flag) before $CMDOP_ACTOR before git's user.name before the name of the account. Never empty. */
export function personName(given?: string, env: NodeJS.ProcessEnv = process.env): string {
  const name = [given, env.CMDOP_ACTOR, gitUserName(env), account(env).name].map((each) => each?.trim()).find((each) => each);
  return [...(name ?? 'someone')].slice(0, MAX_NAME).join('');
}

/** `user.name` of the user's own settings; a repository's and included files are not read. */
function gitUserName(env: NodeJS.ProcessEnv): string | undefined {
  const home = homeFolder(env);
  const files = env.GIT_CONFIG_GLOBAL
    ? [env.GIT_CONFIG_GLOBAL]
    : [join(home, '.gitconfig'), join(env.XDG_CONFIG_HOME || join(home, '.config'), 'git', 'config')];
  for (const file of files) {
    const name = userNameIn(textOf(file));
    if (name) return name;
  }
  return undefined;
}

/** `name` of the last `[user]` section that has one. */
export function userNameIn(config: string): string | undefined {
  let isUser = false;
  let name: string | undefined;
  for (const line of config.split('\n')) {
    const section = /^\s*\[\s*([\w.-]+)\s*("[^"]*")?\s*\]/.exec(line);
    if (section) isUser = section[1]?.toLowerCase() === 'user' && section[2] === undefined;
    const value = isUser ? /(?:^|\])\s*name\s*=\s*(.*)$/i.exec(line)?.[1] : undefined;
    if (value !== undefined) name = unquoted(value);
  }
  return name || undefined;
}

function unquoted(value: string): string {
  const quoted = /^\s*"((?:\\.|[^"\\])*)"/.exec(value)?.[1];
  return quoted !== undefined ? quoted.replace(/\\(.)/g, '$1') : value.replace(/\s*[#;].*$/, '').trim();
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return ''; // most people lack one of the two
  }
}
