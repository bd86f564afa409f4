/** A client in a process of its own, which a test can stop as Ctrl-Z does: attaches, and prints what it has when asked. */
import { lightClient } from './light-client.ts';

const [home = '', session = ''] = process.argv.slice(2);
const { attach, until } = lightClient(home, 'stopped');
const view = attach(session);
await until(() => view.snapshots > 0);
process.stdout.write('attached\n');
process.stdin.on('data', async (bytes) => {
  const offset = Number(bytes.toString());
  await until(() => view.offset >= offset);
  process.stdout.write(`${JSON.stringify({ gaps: view.gaps.length, snapshots: view.snapshots, fault: view.fault })}\n`);
});
