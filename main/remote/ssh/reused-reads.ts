/** A connection that reads into one piece of memory again and again, as soon as whoever reads keeps nothing of it. */
import { connect, type Socket, type TcpSocketConnectOpts } from 'node:net';
import { sweepYoungGarbage } from './young-garbage.ts';

/** Of a read, bytes: seven of the largest packets that sshd sends, so that few are cut in two. */
const READ_BYTES = 256 * 1024;
/** What is deciphered is fresh memory of the same length; it is swept so often, bytes (young-garbage.ts). */
const SWEEP_BYTES = 8 * 1024 * 1024;

export type ReusingSocket = {
  readonly socket: Socket;
  /** From now on the bytes of a `data` event are good only until its listeners return. */
  reuse(): void;
};

/** Its `data` comes only while it flows: it must be paused until somebody listens. */
export function connectReusing(place: TcpSocketConnectOpts): ReusingSocket {
  let isReused = false;
  let unswept = 0;
  const onread = {
    buffer: Buffer.allocUnsafeSlow(READ_BYTES),
    callback: (length: number, buffer: Uint8Array): boolean => {
      const bytes = Buffer.from(buffer.buffer, buffer.byteOffset, length);
      socket.emit('data', isReused ? bytes : Buffer.from(bytes));
      unswept += length;
      if (unswept >= SWEEP_BYTES) {
        unswept = 0;
        sweepYoungGarbage();
      }
      return true;
    },
  };
  const socket = connect({ ...place, onread });
  return {
    socket,
    reuse: () => {
      isReused = true;
    },
  };
}
