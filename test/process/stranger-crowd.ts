/**
 * A process of somebody who proves nothing: `stranger-crowd.ts SOCKET COUNT WHAT` keeps COUNT connections, and on each says
 * WHAT as often as it can be written: `nothing`, `auth.challenge` or `hello`. Whoever is let go of comes again. On its
 * output a line for each end: the sentence that it was told.
 */
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { encodeMessage, MAGIC } from '#protocol/frames.ts';
import { newClientId } from '#protocol/ids.ts';
import { PROTOCOL } from '#protocol/versions.ts';

const [path = '', count = '1', what = 'nothing'] = process.argv.slice(2);
const client = newClientId(randomBytes);
const params =
  what === 'hello'
    ? { protocol: PROTOCOL, client: { id: client, interface: 'cli', name: 'x', build: 'x' } }
    : { client, nonce: randomBytes(32).toString('base64') };
const frames = Buffer.concat(Array.from({ length: 200 }, (_, id) => encodeMessage({ id, method: what, params })));

function come(): void {
  let heard = '';
  const socket = connect(path);
  const say = () => {
    if (what === 'nothing') return;
    while (socket.writable && socket.write(frames)) {} // the rest when it can be written
  };
  socket.on('connect', () => {
    socket.write(MAGIC);
    say();
  });
  socket.on('drain', say);
  socket.on('data', (bytes) => (heard = (heard + bytes).slice(-1000)));
  socket.on('error', () => {}); // the close follows
  socket.on('close', () => {
    process.stdout.write(`${JSON.stringify(/"message":"((?:[^"\\]|\\.)*)"/.exec(heard)?.[1] ?? '')}\n`);
    setTimeout(come, 10);
  });
}

for (let n = 0; n < Number(count); n++) come();
