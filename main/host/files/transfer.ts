/** What every file on its way has in common, out or in. */
import type { ClientConnection } from '../client-connection.ts';
import type { LiveSession } from '../sessions/live-session.ts';

export type Finished = { path: string; size: number; hash: string };

export interface Transfer {
  /** The other side says that it is over, and the hash of the whole file as it has it. Rejects where that differs. */
  finish(hash: string): Promise<Finished>;
  /** It is given up, with the sentence to tell the other side. */
  cut(message: string): Promise<void>;
}

export type TransferParts = {
  connection: ClientConnection;
  session: LiveSession;
  /** Throws once whoever asked may not any more. */
  mustGoOn(): void;
  /** Into the journal. */
  note(payload: Record<string, unknown>): void;
  /** Called once, whatever became of it. */
  over(): void;
};
