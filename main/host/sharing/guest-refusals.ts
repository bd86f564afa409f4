/** What guests asked for and may not have, in the journal of the session that they are invited to, with who it was. */
import { z } from 'zod';
import { GatheredRefusals } from '#local/gathered-refusals.ts';
import { CmdopError, type ErrorCode } from '#protocol/errors.ts';
import type { Method } from '#protocol/messages.ts';
import type { Actor } from '#protocol/shapes.ts';
import type { Journal } from '../journal/journal.ts';
import type { Records } from '../journal/records.ts';
import type { Registry } from '../registry.ts';
import type { Invites } from './invites.ts';

export type GuestRefusalsOptions = { journal: Journal; records: Records; registry: Registry; invites: Invites };

/** Refused for want of leave; another session is none of a guest's. Mistakes, and what is not there just now, are no attempts. */
const WANT_OF_LEAVE: ReadonlySet<ErrorCode> = new Set(['observer', 'not-owner', 'policy', 'unauthorized', 'kicked', 'session-not-found']);
/** What the app and the command line look at by themselves, also for observers: it is no attempt of anybody. */
const LOOKS: ReadonlySet<string> = new Set<Method>(['session.inspect', 'processes.list']);
/** What a request is about, as far as it says. */
const about = z.object({ session: z.string(), path: z.string(), port: z.number() }).partial();

/** A request that was answered with `error`; `params`: as they came. */
export type Refused = { method: string; params: unknown; error: unknown };

/** Said to the guests' process, or asked in the protocol. */
type Told = { asked: string; count: number };

export class GuestRefusals {
  readonly #options: GuestRefusalsOptions;
  readonly #gathered = new GatheredRefusals();

  constructor(options: GuestRefusalsOptions) {
    this.#options = options;
  }

  /** A request of a guest of `invite`. */
  asked(invite: string, by: Actor, { method, params, error }: Refused): void {
    if (!(error instanceof CmdopError) || !WANT_OF_LEAVE.has(error.code)) return;
    if (error.code === 'observer' && LOOKS.has(method)) return;
    const { session, path, port } = about.safeParse(params).data ?? {};
    const what = path ?? port ?? '';
    this.#gathered.note({
      guest: invite,
      sort: `${by.id} ${method} ${what}`,
      asked: `${method}${session === undefined ? '' : ` of ${session}`}${what === '' ? '' : `: ${what}`}`,
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
