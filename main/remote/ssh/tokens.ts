/** What OpenSSH replaces in values: `%h` and the like, `${VARIABLE}`, and `~`. */
import { createHash } from 'node:crypto';
import { homedir, hostname } from 'node:os';
import { join } from 'node:path';
import { account } from '#local/account.ts';
import { CmdopError } from '#protocol/errors.ts';

export type Tokens = Readonly<Record<string, string>>;

export type Destination = {
  /** As typed: what `Host` is compared with. */
  readonly typed: string;
  readonly hostName: string;
  readonly port: number;
  readonly user: string;
  /** What the host's key is stored under, where that is not its name. */
  readonly keyAlias?: string | null;
  readonly jump?: string;
};

/** The tokens that OpenSSH knows where it connects. */
export function tokensOf({ typed, hostName, port, user, keyAlias, jump = '' }: Destination): Tokens {
  const local = hostname();
  return {
    '%': '%',
    C: createHash('sha1').update(`${local}${hostName}${port}${user}${jump}`).digest('hex'),
    d: homedir(),
    h: hostName,
    i: String(account().uid),
    j: jump,
    k: keyAlias ?? typed,
    L: local.split('.')[0] ?? local,
    l: local,
    n: typed,
    p: String(port),
    r: user,
    u: account().name,
  };
}

/** Throws `bad-configuration` for a token that `tokens` does not have; `where` names the line. */
export function expandTokens(text: string, tokens: Tokens, where: string): string {
  return text.replace(/%(.?)/gs, (whole, name: string) => {
    const value = tokens[name];
    if (value === undefined)
      throw new CmdopError('bad-configuration', `${where}: ${whole} cannot be replaced here: remove it or write %% for a %`);
    return value;
  });
}

/** Throws `bad-configuration` where the environment has no such variable, as OpenSSH does. */
export function expandVariables(text: string, env: NodeJS.ProcessEnv, where: string): string {
  return text.replace(/\$\{([^}]*)\}/g, (whole, name: string) => {
    const value = env[name];
    if (value === undefined)
      throw new CmdopError('bad-configuration', `${where}: the environment has no ${whole}: set it or remove it there`);
    return value;
  });
}

export function expandHome(path: string, where: string): string {
  if (path === '~') return homedir();
  if (/^~[/\\]/.test(path)) return join(homedir(), path.slice(2));
  if (path.startsWith('~')) throw new CmdopError('bad-configuration', `${where}: ${path} names someone else's home: write the whole path`);
  return path;
}
