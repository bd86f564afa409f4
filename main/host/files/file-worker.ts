/** The thread that reads, writes and hashes files: what takes long there delays no terminal. */
import { type MessagePort, parentPort } from 'node:worker_threads';
import { CmdopError } from '#protocol/errors.ts';
import { FileWork, type FromFileThread, type ToFileThread } from './file-work.ts';

function main(port: MessagePort): void {
  const work = new FileWork();
  const post = (message: FromFileThread, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);
  port.on('message', async ({ id, question, argument }: ToFileThread) => {
    try {
      // The table's types say which argument belongs to which question; one call for all of them cannot.
      const answer = await (work[question] as (argument: unknown) => Promise<unknown>)(argument);
      const isBytes = answer instanceof Uint8Array && answer.buffer instanceof ArrayBuffer;
      post({ id, answer }, isBytes ? [answer.buffer as ArrayBuffer] : []);
    } catch (error) {
      const fault = error instanceof CmdopError ? { code: error.code, message: error.message } : null;
      post({ id, fault, message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  });
}

if (parentPort) main(parentPort);
