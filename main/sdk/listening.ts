/** Whether something listens on a TCP port of this machine. No system tells of that by itself, so it has to be looked at. */
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';

const LISTENING = '0A';

/** On Linux without a connection that the program would see; elsewhere by connecting. */
export async function isListening(port: number): Promise<boolean> {
  if (process.platform !== 'linux') return accepts(port);
  const tables = await Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map((file) => readFile(file, 'utf8').catch(() => ''))); // no IPv6
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  return tables.some((table) =>
    table.split('\n').some((row) => {
      const [, local, , state] = row.trim().split(/\s+/);
      return state === LISTENING && local?.endsWith(`:${wanted}`) === true;
    }),
  );
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: 'localhost' });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
