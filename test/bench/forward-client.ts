/** `forward-client.ts CONFIG_FILE SESSION PORT`: forwards a port through `reach`, or `-` for the local socket. Prints its local port; ends with stdin. */
import { compileEarly } from '#local/early-tiers.ts';
import { Forward } from '#local/forward.ts';
import { newLocalClient } from './cmdop-peer.ts';
import { reachingClient } from './ssh-peers.ts';

compileEarly(); // as `cmdop forward`
const [configFile = '', session = '', port = ''] = process.argv.slice(2);
const client = configFile === '-' ? newLocalClient() : reachingClient({ configFile });
await client.whenConnected();
const forward = await Forward.open({ client, session, port: Number(port) });
console.log(forward.localPort);
process.stdin.resume().on('end', () => process.exit(0));
