/** What guests asked for and may not have, in the journal of the session that they are invited to, with who it was. */
import { GatheredRefusals } from '#local/gathered-refusals.ts';
import { CmdopError } from '#protocol/errors.ts';
import type { Method } from '#protocol/messages.ts';
import type { Actor } from '#protocol/shapes.ts';
import type { Journal } from '../journal/journal.ts';
import type { Records } from '../journal/records.ts';
import type { Registry } from '../registry.ts';
import type { Invites } from './invites.ts';

export type GuestRefusalsOptions = { journal: Journal; records: Records; registry: Registry; invites: Invites };

/** What the app and the command line look at by themselves, also for observers: it is no attempt of anybody. */
const LOOKS: ReadonlySet<Method> = new Set(['session.inspect', 'processes.list']);

/** Said to the guests' process, or asked in the protocol. */
type Told = { asked: string; count: number };

export class GuestRefusals {
  readonly #options: GuestRefusalsOptions;
  readonly #gathered = new GatheredRefusals();

  constructor(options: GuestRefusalsOptions) {
    this.#options = options;
  }

  /** A request of a guest of `invite`, about the session that it names; `error`: why it was refused. */
  asked(invite: string, by: Actor, { method, session, error }: { method: Method; session: string | undefined; error: unknown }): void {
    if (LOOKS.has(method) && error instanceof CmdopError && error.code === 'observer') return;
    this.#gathered.note({
      guest: invite,
      sort: `${by.id} ${method}`,
      asked: session === undefined ? method : `${method} of ${session}`,
      tell: (asked, count) => this.#record(invite, by, { asked, count }),
    });
  }

  /** Over plain ssh; the process that refused it has gathered already. */
  overSsh({ invite: id, ...told }: Told & { invite: string }): void {
    const invite = this.#options.invites.get(id);
    if (!invite) return;
    const by = this.#options.records.actorFor({ kind: 'human', interface: 'ssh', guest: id, name: invite.name });
    this.#record(id, by, told);
  }

  dispose(): void {
    this.#gathered.dispose();
  }

  #record(id: string, { id: actor, interface: via }: Actor, { asked, count }: Told): void {
    const { journal, registry, invites } = this.#options;
    const session = invites.get(id)?.session ?? null;
    journal.append({
      session,
      actor,
      interface: via,
      kind: 'share',
      outputOffset: (session && registry.get(session)?.output.end) ?? null,
      payload: { is: 'guest-refused', invite: id, asked, count },
    });
  }
}
