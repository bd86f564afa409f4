/** `ssh-idle-client.ts CONFIG_FILE SESSION`: attaches through `reach` and does nothing. Prints `up`; ends with stdin. */
import { attach } from './cmdop-peer.ts';
import { reachingClient } from './ssh-peers.ts';

const [configFile = '', session = ''] = process.argv.slice(2);
const client = reachingClient({ configFile });
await client.whenConnected();
await attach({ client, session, listener: () => {} });
console.log('up');
process.stdin.resume().on('end', () => process.exit(0));
