/** `ports`: on which ports the programs of a session listen. */
import type { ListeningPort } from '#protocol/ports.ts';
import { commandFor, type Globals, sessionRef, withClient } from '../connect.ts';
import { dim, note, print, printJson, tableWidth } from '../output.ts';
import { type Column, formatTable } from '../table.ts';
import { showAge } from '../times.ts';

const COLUMNS: readonly Column[] = [
  { title: 'PORT', align: 'right' },
  { title: 'ADDRESS', shrink: 'end' },
  { title: 'PID', align: 'right' },
  { title: 'SINCE', align: 'right' },
  { title: 'URL', shrink: 'end' },
  { title: 'PROCESS', shrink: 'end' },
];

export async function ports(options: Globals & { json?: boolean }, session: string): Promise<void> {
  const found = await withClient(options, (client) => client.request('ports.list', { session: sessionRef(session) }));
  if (options.json) {
    printJson(found.ports);
    return;
  }
  if (found.ports.length === 0) {
    note(`nothing of ${session} listens`);
    return;
  }
  print(formatTable(COLUMNS, found.ports.map(row), tableWidth()));
  const [first] = found.ports;
  if (first && process.stdout.isTTY) note(`\`${commandFor(options, `forward ${session} ${first.port}`)}\` opens one here`);
}

const row = ({ port, addresses, pid, since, url, command }: ListeningPort) => [
  String(port),
  addresses.join(', '),
  String(pid),
  showAge(Date.now() - since),
  url ?? { text: '-', style: dim },
  command,
];
