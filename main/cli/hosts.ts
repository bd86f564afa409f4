/** `hosts`: which hosts have a name here, and how each is reached. */
import { LOCAL_HOST } from '#protocol/address.ts';
import { addHost, hostsFile, removeHost } from '../remote/hosts-file.ts';
import { listHosts } from '../remote/list-hosts.ts';
import { isSshConfigHost } from '../remote/ssh-config-hosts.ts';
import { UsageError } from './exit-codes.ts';
import { dim, note, print, printJson, tableWidth } from './output.ts';
import { type Column, formatTable } from './table.ts';
import { showAge } from './times.ts';

const COLUMNS: readonly Column[] = [
  { title: 'HOST', shrink: 'end' },
  { title: 'BY' },
  { title: 'HOW', shrink: 'end' },
  { title: 'REACHED', align: 'right' },
];

export async function list(options: { json?: boolean }): Promise<void> {
  const hosts = await listHosts({ notice: note });
  if (options.json) {
    printJson(hosts);
    return;
  }
  const rows = hosts.map(({ name, by, how, reachedAt }) => [
    name,
    by,
    how,
    reachedAt === null ? { text: name === LOCAL_HOST ? '' : 'never', style: dim } : showAge(Date.now() - reachedAt),
  ]);
  print(formatTable(COLUMNS, rows, tableWidth()));
}

export function add(name: string, words: readonly string[] | null): void {
  if (!words || words.length === 0) {
    throw new UsageError(`put the command behind two dashes: cmdop hosts add ${name} -- docker exec -i CONTAINER cmdop bridge`);
  }
  addHost(name, { command: [...words] });
  note(`${name} is in ${hostsFile()}: \`cmdop -H ${name} ls\``);
  // It may be meant: another way to the same machine.
  if (isSshConfigHost(name))
    note(`${name} is a Host of your SSH configuration too: this command goes before it; \`cmdop hosts remove ${name}\` undoes that`);
}

export function remove(name: string): void {
  removeHost(name);
}
