/** A process that looks through the output of sessions; it ends with its search, or with its host. */
import { endNow } from '#local/end-now.ts';
import { searchFiles } from './search-files.ts';
import type { SearchTask, WorkerMessage } from './search-messages.ts';

/** Calls `done` once it is on its way. */
function tell(message: WorkerMessage, done: () => void = () => {}): void {
  process.send?.(message, undefined, undefined, done);
}

process.on('disconnect', endNow); // the host is gone
process.once('message', (task: SearchTask) => {
  searchFiles(task, tell).then(
    (end) => tell(end, endNow),
    (error: unknown) => tell({ kind: 'ended', reason: 'failed', message: error instanceof Error ? error.message : String(error) }, endNow),
  );
});
