/** What one turn writes to a connection goes out at once. */
import type { Socket } from 'node:net';

type Written = (error?: Error | null) => void;

/**
 * ssh2 writes a packet's length, body and seal one by one: each would be a call of the system, a packet on the network and a
 * wake-up of the server. For a socket that is connected: connecting gives it Node's own `write` again.
 */
export function sendByTurn(socket: Socket): Socket {
  const write = socket.write.bind(socket);
  let isHeld = false;
  const release = () => {
    isHeld = false;
    socket.uncork();
  };
  socket.write = (bytes: Uint8Array | string, encoding?: BufferEncoding | Written, written?: Written): boolean => {
    if (!isHeld) {
      isHeld = true;
      socket.cork();
      process.nextTick(release);
    }
    return typeof encoding === 'function' ? write(bytes, encoding) : write(bytes, encoding, written);
  };
  return socket;
}
