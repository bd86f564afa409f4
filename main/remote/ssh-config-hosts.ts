/** The names that an SSH configuration gives to hosts, with what it includes: for lists and completions only. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import SSHConfig from 'ssh-config';

/** Files that include each other end here, as in OpenSSH. */
const MAX_DEPTH = 16;

type Options = { notice: (sentence: string) => void; configFile?: string };

/** Names without wildcards, in the order of the files, each once, with where it goes as far as it is written beside it. */
export function sshConfigHosts({ notice, configFile = join(homedir(), '.ssh', 'config') }: Options): { name: string; how: string }[] {
  const found = new Map<string, string>();
  collect(configFile, { notice, found, base: dirname(configFile), depth: 0 });
  return [...found].map(([name, how]) => ({ name, how }));
}

type Collecting = { notice: (sentence: string) => void; found: Map<string, string>; base: string; depth: number };

function collect(file: string, collecting: Collecting): void {
  const { notice, found, base, depth } = collecting;
  if (depth > MAX_DEPTH) return;
  const lines = parsed(file, notice);
  for (const line of lines) {
    if (line.type !== SSHConfig.DIRECTIVE) continue;
    const words = wordsOf(line.value);
    if (/^include$/i.test(line.param)) {
      for (const pattern of words) for (const path of included(pattern, base)) collect(path, { ...collecting, depth: depth + 1 });
      continue;
    }
    const section = 'config' in line ? line.config : null;
    if (!section) continue;
    const value = (name: string) => {
      const set = section.find((each) => each.type === SSHConfig.DIRECTIVE && each.param.toLowerCase() === name);
      return set?.type === SSHConfig.DIRECTIVE ? wordsOf(set.value).join(' ') : '';
    };
    for (const inner of section) {
      if (inner.type !== SSHConfig.DIRECTIVE || !/^include$/i.test(inner.param)) continue;
      for (const pattern of wordsOf(inner.value))
        for (const path of included(pattern, base)) collect(path, { ...collecting, depth: depth + 1 });
    }
    if (!/^host$/i.test(line.param)) continue;
    const [user, host, port] = [value('user'), value('hostname'), value('port')];
    for (const name of words) {
      if (/[*?!\s]/.test(name) || found.has(name)) continue;
      found.set(name, `${user ? `${user}@` : ''}${host || name}${port ? `:${port}` : ''}`);
    }
  }
}

function parsed(file: string, notice: (sentence: string) => void): SSHConfig {
  try {
    return SSHConfig.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      notice(`${file} cannot be read (${(error as Error).message}): its hosts are not listed`);
    return new SSHConfig();
  }
}

function included(pattern: string, base: string): string[] {
  const path = pattern.replace(/^~(?=\/)/, homedir());
  const [root = '', ...parts] = (isAbsolute(path) ? path : join(base, path)).split('/');
  let found = [`${root}/`];
  for (const part of parts) {
    if (!/[*?]/.test(part)) found = found.map((folder) => join(folder, part)).filter((each) => existsSync(each));
    else found = found.flatMap((folder) => namesIn(folder, part).map((name) => join(folder, name)));
  }
  return found.sort();
}

function namesIn(folder: string, pattern: string): string[] {
  const expression = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  try {
    return readdirSync(folder).filter((name) => new RegExp(`^${expression}$`).test(name) && !name.startsWith('.'));
  } catch {
    return []; // no folder: nothing is included, as in OpenSSH
  }
}

/** A quoted word is one; what it says cannot be a host's name then, but must not become two. */
const wordsOf = (value: unknown): string[] => {
  if (typeof value === 'string') return value.split(/\s+/).filter(Boolean);
  if (!Array.isArray(value)) return [];
  return value.flatMap((each: unknown) => {
    const word = typeof each === 'object' && each !== null && 'val' in each ? each.val : each;
    return typeof word === 'string' ? [word] : [];
  });
};
