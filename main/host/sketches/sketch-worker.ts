/** A process that makes the sketches which sessions lack; it ends when it is done, or with its host. */
import { endNow } from '#local/end-now.ts';
import { makeSketches } from './make-sketches.ts';
import type { SketchTask } from './sketch-messages.ts';

process.on('disconnect', endNow); // the host is gone
process.once('message', (task: SketchTask) => {
  makeSketches(task).finally(endNow);
});
