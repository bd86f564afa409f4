/** One hop of the floor (relay-peer.ts): `hold SOCKET SCRIPT` runs a script in a PTY, `pass SOCKET TO` passes bytes on. */
import { connect, createServer, type Socket } from 'node:net';
import { openPty } from '../../main/keeper/pty.ts';
import { SIZE } from './peer.ts';
import { ENVIRONMENT } from './terminal-peers.ts';

const [role, path = '', other = ''] = process.argv.slice(2);
if (role === 'hold') hold();
else listen((socket) => socket.pipe(connect(other)).pipe(socket));

function hold(): void {
  let client: Socket | null = null;
  const early: Uint8Array[] = [];
  const output = (bytes: Uint8Array) => void (client ? client.write(bytes) : early.push(bytes));
  const program = { file: '/bin/sh', args: ['-c', other], env: ENVIRONMENT, cwd: '/', ...SIZE };
  const pty = openPty(program, { output, ending: () => {}, exited: () => process.exit(0) });
  listen((socket) => {
    client = socket;
    for (const bytes of early.splice(0)) socket.write(bytes);
    socket.on('data', (bytes) => pty.write({ bytes, unit: null, written: () => {} }));
  });
}

function listen(connected: (socket: Socket) => void): void {
  const server = createServer((socket) => {
    socket.on('error', () => {}); // the other side was ended
    connected(socket);
  });
  server.listen(path, () => process.stdout.write('ready\n'));
}
