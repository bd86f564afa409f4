/** A process that makes the sketches which sessions lack; it ends when it is done, or with its host. */
import { makeSketches } from './make-sketches.ts';
import type { SketchTask } from './sketch-messages.ts';

process.on('disconnect', () => process.exit()); // the host is gone
process.once('message', (task: SketchTask) => {
  makeSketches(task).finally(() => process.exit());
});
