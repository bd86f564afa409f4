/**
 * A relay with nothing but the bytes: `relay.ts SOCKET SCRIPT` runs a script in a PTY and gives its output to everyone who
 * is connected; the program waits for the slowest. What Node can do at best. Prints `up` at the first output; ends with stdin.
 */
import { createServer, type Socket } from 'node:net';
import { openPty } from '../../main/keeper/pty.ts';
import { WELCOME } from './crowd-readers.ts';
import { SIZE } from './peer.ts';
import { kill } from './processes.ts';
import { ENVIRONMENT } from './terminal-peers.ts';

/** Queued for one client until the program waits, bytes: as cmdop's window. */
const MAX_QUEUED_BYTES = 1024 * 1024;
const [socket = '', script = ''] = process.argv.slice(2);
const clients = new Set<Socket>();
let isUp = false;

const mayGoOn = () => {
  for (const { writableLength } of clients) if (writableLength > MAX_QUEUED_BYTES) return;
  pty.resume();
};
const pty = openPty(
  { file: '/bin/sh', args: ['-c', script], env: ENVIRONMENT, cwd: '/', ...SIZE },
  {
    output: (bytes) => {
      if (!isUp) console.log('up');
      isUp = true;
      for (const client of clients) {
        client.write(bytes, mayGoOn);
        if (client.writableLength > MAX_QUEUED_BYTES) pty.pause();
      }
    },
    ending: () => {},
    exited: () => process.exit(0),
  },
);
createServer((client) => {
  clients.add(client);
  client.write(WELCOME);
  client.on('close', () => clients.delete(client)).on('error', () => {}); // its close follows
}).listen(socket);
process.stdin.resume().on('end', () => {
  kill(pty.pid);
  process.exit(0);
});
