/** The names that an SSH configuration gives to hosts, with what it includes: for lists, completions and what a name here would hide. */
import type { Directive, Section } from './ssh/config-file.ts';
import { sectionsFrom } from './ssh/host-config.ts';

type Options = { notice: (sentence: string) => void; configFile?: string };

/**
 * Names without wildcards, in the order of the files, each once, with where it goes as far as it is written beside it. A
 * configuration that cannot be read, which `ssh` would not follow either, has none: `notice` hears its place.
 */
export function sshConfigHosts({ notice, configFile }: Options): { name: string; how: string }[] {
  const found = new Map<string, string>();
  try {
    for (const section of sectionsFrom({ configFile })) collect(section, found);
  } catch (error) {
    notice(`${error instanceof Error ? error.message : String(error)}; no host of the SSH configuration is listed`);
  }
  return [...found].map(([name, how]) => ({ name, how }));
}

/** Whether a machine has this name in the SSH configuration; as there, whatever the case. */
export function isSshConfigHost(name: string): boolean {
  const wanted = name.toLowerCase();
  return sshConfigHosts({ notice: () => {} }).some((host) => host.name.toLowerCase() === wanted); // unreadable, it reaches nobody by it
}

function collect({ condition, entries }: Section, found: Map<string, string>): void {
  if (condition?.name === 'host') {
    const value = (name: string) => own(entries).find((each) => each.name === name)?.words[0] ?? '';
    const [user, host, port] = [value('user'), value('hostname'), value('port')];
    for (const name of condition.words) {
      if (/[*?!\s]/.test(name) || found.has(name)) continue;
      found.set(name, `${user ? `${user}@` : ''}${host || name}${port ? `:${port}` : ''}`);
    }
  }
  for (const entry of entries) if ('included' in entry) for (const section of entry.included) collect(section, found);
}

const own = (entries: Section['entries']): Directive[] => entries.flatMap((entry) => ('directive' in entry ? [entry.directive] : []));
