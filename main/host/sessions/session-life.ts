/** What is on record of a session, from its beginning to its end: its stored facts, its journal, its keeper. */
import { CmdopError } from '#protocol/errors.ts';
import type { SessionId } from '#protocol/ids.ts';
import type { Actor, SessionEnd } from '#protocol/shapes.ts';
import type { Journal, JournalKind } from '../journal/journal.ts';
import type { Records, StoredSession } from '../journal/records.ts';
import type { KeeperLink } from '../keepers/keeper-link.ts';
import type { SessionOutput } from './session-output.ts';

/** Longest title kept, characters: a program may set any. */
const MAX_TITLE_CHARACTERS = 256;

export type SessionLifeOptions = {
  stored: StoredSession;
  output: SessionOutput;
  journal: Journal;
  records: Records;
  /** Monotonic and wall clock, milliseconds. */
  clock: { now(): number; wallNow(): number };
  /** Null for a session that has ended. */
  keeper: KeeperLink | null;
  /** The summary is different now. */
  changed(): void;
  /** What the keeper remembers for the next host is different now. */
  noted(): void;
};

export class SessionLife {
  readonly #options: SessionLifeOptions;
  readonly stored: StoredSession;
  readonly keeper: KeeperLink | null;
  /** Since the end: resolves when the keeper is gone as well. */
  #leaving: Promise<void> = Promise.resolve();

  constructor(options: SessionLifeOptions) {
    this.#options = options;
    this.stored = options.stored;
    this.keeper = options.keeper;
  }

  get id(): SessionId {
    return this.stored.id;
  }
  get name(): string {
    return this.stored.name;
  }
  get isRunning(): boolean {
    return this.stored.end === null;
  }
  get clock(): SessionLifeOptions['clock'] {
    return this.#options.clock;
  }
  /** Resolves when the keeper of a session that has ended is gone as well. */
  get left(): Promise<void> {
    return this.#leaving;
  }

  /** Into the journal, at the place where the output ends now. */
  record(by: { actor: Actor } | null, kind: JournalKind, payload: Record<string, unknown>): void {
    const { journal, output } = this.#options;
    const { id = null, interface: interfaceKind = null } = by?.actor ?? {};
    journal.append({ session: this.id, actor: id, interface: interfaceKind, kind, outputOffset: output.end, payload });
  }

  /** The stored facts are different now. */
  save(): void {
    this.#options.records.saveSession(this.stored);
    this.#options.changed();
  }

  /** Who may act is different now: the keeper remembers it too, should the journal be lost. */
  saveAccess(): void {
    this.save();
    this.#options.noted();
  }

  /** Something of the summary that is not stored is different now. */
  changed(): void {
    this.#options.changed();
  }

  rename(name: string, by: Actor): void {
    this.record({ actor: by }, 'rename', { from: this.name, to: name });
    this.stored.name = name;
    this.save();
  }

  titled(title: string): void {
    this.stored.title = title.slice(0, MAX_TITLE_CHARACTERS);
    this.changed();
  }

  signal(name: string, by: Actor): void {
    if (!this.isRunning) throw new CmdopError('session-ended', `${this.name} has ended already`);
    this.record({ actor: by }, 'signal', { signal: name });
    this.keeper?.signal(name);
  }

  /** Its program is gone. `cwd`: the shell's last folder, where it told. */
  end(end: SessionEnd, cwd: string | null): void {
    this.stored.end = end;
    this.stored.endedAt = this.clock.wallNow();
    this.stored.cwd = cwd ?? this.stored.cwd;
    this.record(null, 'session', { is: 'ended', ...end });
    this.save();
  }

  /** The keeper may go once its last output and its end are on disk, not before: else it tells the next host of its end. */
  releaseKeeper(): void {
    const release = async () => {
      await this.#options.output.complete();
      await this.#options.journal.kept;
      this.keeper?.release();
      await this.keeper?.closed;
    };
    this.#leaving = release();
  }
}
