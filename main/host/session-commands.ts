/** A session's command records: from the shell's marks and the input units to rows of the history. */
import type { ActorId, ClientId, Epoch, Offset, Seq, SessionId } from '#protocol/ids.ts';
import type { Journal } from './journal.ts';
import type { Records, StoredCommand } from './records.ts';
import type { OscEvent } from './screen-messages.ts';
import type { Screens } from './screens.ts';

export type CommandEvents = {
  /** A record began or ended. */
  command(command: StoredCommand): void;
};

export type SessionCommandsOptions = {
  session: SessionId;
  nonce: string | null;
  /** What the last host left with the keeper. */
  note: Uint8Array | null;
  isRunning: boolean;
  records: Records;
  journal: Journal;
  screens: Screens;
  clock: { now(): number; wallNow(): number };
  sessionName: () => string;
  keep: (note: Uint8Array) => void;
  events: CommandEvents;
};

export class SessionCommands {
  readonly cwd: string | null = null;
  readonly running: string | null = null;
  readonly hasIntegration: boolean = false;

  constructor(_options: SessionCommandsOptions) {}

  input(_unit: { client: ClientId; actor: ActorId; epoch: Epoch; seq: Seq; bytes: Uint8Array }): void {}

  /** True if the summary is different now. */
  osc(_osc: OscEvent): boolean {
    return false;
  }

  sessionEnded(_end: Offset): void {}
}
