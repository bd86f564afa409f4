/**
 * What was typed past an earlier host, told again by the keeper: what that one died of before it recorded it is recorded now,
 * unit by unit, and the lines that its output has not brought to their end yet have their authors.
 */
import type { ClientId, Seq, SessionId } from '#protocol/ids.ts';
import type { Typed } from '../../keeper/wire-messages.ts';
import type { Records, Typist } from '../journal/records.ts';
import type { SessionCommands } from './session-commands.ts';
import type { SessionInput } from './session-input.ts';

export type RetoldInputOptions = {
  session: SessionId;
  records: Pick<Records, 'lastDelegated'>;
  input: Pick<SessionInput, 'recordRetold' | 'recordUntold'>;
  commands: Pick<SessionCommands, 'input'>;
};

export class RetoldInput {
  readonly #options: RetoldInputOptions;
  /** By client; null: the journal that knew them was lost. */
  readonly #typists = new Map<ClientId, Typist | null>();

  constructor(options: RetoldInputOptions) {
    this.#options = options;
  }

  unit({ client, ...typed }: Typed): void {
    const { input, commands } = this.#options;
    const typist = this.#typist(client);
    if (!typist) return;
    const { seq } = typed;
    if (seq > typist.seq) {
      input.recordUntold(typist, (seq - 1) as Seq); // more than the keeper could remember
      input.recordRetold(typist, typed);
      this.#typists.set(client, { ...typist, seq });
    }
    commands.input({ ...typed, client, actor: typist.actor.id });
  }

  /** No more of it is told. */
  all(): void {
    const { session, records, input } = this.#options;
    const last = records.lastDelegated(session);
    if (last) input.recordUntold(last);
    this.#typists.clear();
  }

  #typist(client: ClientId): Typist | null {
    const { session, records } = this.#options;
    const known = this.#typists.get(client);
    if (known !== undefined) return known;
    const typist = records.lastDelegated(session, client);
    this.#typists.set(client, typist);
    return typist;
  }
}
