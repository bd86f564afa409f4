/** A thread that packs files, a batch at a time, while the next ones are read. */
import { parentPort } from 'node:worker_threads';
import { type Batch, packBatch } from './packing.ts';

parentPort?.on('message', (batch: Batch) => parentPort?.postMessage(packBatch(batch)));
