/** Who comes to a session and goes: the attach answer and the stream behind it, detach, and a link that breaks. */
import { CmdopError } from '#protocol/errors.ts';
import type { Channel, Offset } from '#protocol/ids.ts';
import type { Params, Result } from '#protocol/messages.ts';
import type { Actor, SessionSummary } from '#protocol/shapes.ts';
import type { AgentEvent } from '#session/agent-state.ts';
import type { AgentInput } from '../agents/agent-input.ts';
import type { ClientConnection } from '../client-connection.ts';
import type { Records } from '../journal/records.ts';
import { sendSnapshot } from '../output/subscriber.ts';
import type { Attached, SessionClients } from './session-clients.ts';
import type { SessionControl } from './session-control.ts';
import type { SessionInput } from './session-input.ts';
import type { SessionKicks } from './session-kicks.ts';
import type { SessionLife } from './session-life.ts';
import type { SessionOutput } from './session-output.ts';
import { personOf, type SessionRoles } from './session-roles.ts';
import type { SessionSize } from './session-size.ts';
import type { UnreadInput } from './unread-input.ts';

export type SessionPresenceOptions = {
  life: SessionLife;
  records: Records;
  clients: SessionClients;
  input: SessionInput;
  control: SessionControl;
  roles: SessionRoles;
  kicks: SessionKicks;
  output: SessionOutput;
  size: SessionSize;
  agents: AgentInput;
  unread: UnreadInput;
  summary(): SessionSummary;
  agentSaw(event: AgentEvent): void;
};

export class SessionPresence {
  readonly #options: SessionPresenceOptions;

  constructor(options: SessionPresenceOptions) {
    this.#options = options;
  }

  async attach(
    connection: ClientConnection,
    wanted: Omit<Params<'session.attach'>, 'session'> & { channel: Channel },
    answer: (result: Result<'session.attach'>) => void,
  ): Promise<void> {
    const { life, clients, input, control, roles, kicks, output, size, summary } = this.#options;
    const { client, actor } = connection.who;
    const { channel } = wanted;
    await kicks.mustSee(connection);
    this.#mustBeOwnClient(connection);
    // A client that comes again over a new link: the old one is dead, whether its end was noticed or not.
    const old = clients.of(client);
    if (old) this.#drop(old);
    const start = await output.begin({ have: wanted.have, scrollback: wanted.scrollback });
    if (connection.isOver) return;
    if (roles.isKicked(actor)) return kicks.mustSee(connection); // meanwhile
    const asked = wanted.knowsOwner && wanted.role === 'operator' ? 'owner' : wanted.role;
    const role = roles.granted(actor, asked);
    const newer = clients.of(client); // it asked twice at once: the last one counts
    if (newer) this.#drop(newer);
    // From here on in one turn: the answer, then the stream, with nothing between them.
    const attached = clients.add({
      client,
      actor,
      role,
      asked,
      connection,
      channel,
      takesDelegation: wanted.takesDelegation && !connection.who.grant,
      size: wanted.size,
      since: life.clock.wallNow(),
    });
    if (wanted.epoch !== undefined && life.isRunning) control.resume(attached, wanted.epoch);
    const { grant } = connection.who;
    life.record(attached, 'attach', {
      client,
      role,
      mode: start.mode,
      via: connection.via,
      ...(grant ? { authentication: grant.authentication } : {}),
      ...(connection.origin ? { origin: connection.origin } : {}),
    });
    answer({
      channel,
      mode: start.mode,
      offset: start.offset,
      end: Math.max(output.end, start.offset) as Offset,
      size: start.size,
      snapshotBytes: start.text.length,
      role,
      applied: input.applied(client),
      accepted: input.judged(client),
      refused: input.refusals(client),
      control: control.control(),
      session: summary(),
    });
    if (start.mode === 'snapshot') sendSnapshot(connection, { channel, offset: start.offset, text: start.text });
    attached.subscriber = output.subscribe({ channel, port: connection, start, window: wanted.window });
    size.fit(attached);
    attached.subscriber.pump();
    if (life.stored.end) connection.event('session.ended', { channel, end: life.stored.end });
    life.changed();
  }

  /** The client said goodbye to this session: it will resend nothing. */
  detach(channel: Channel): void {
    const { life, clients, input, control } = this.#options;
    const attached = clients.at(channel);
    if (!attached) return;
    this.#drop(attached);
    control.forget(attached);
    input.forget(attached.client);
    life.keeper?.forget(attached.client);
  }

  /** The link broke: what the client had in flight may come again. */
  cut(channel: Channel): void {
    const attached = this.#options.clients.at(channel);
    if (attached) this.#drop(attached);
  }

  /**
   * Detaches an actor's clients, who cannot come back until an owner lets them. Nothing more of theirs reaches the program.
   * Resolves with how many were attached.
   */
  async kick(actor: Actor, by: Actor): Promise<number> {
    const { life, clients, control, roles, kicks, unread } = this.#options;
    roles.kick(actor, by);
    const kicked = [...clients.all()].filter((attached) => personOf(attached.actor) === personOf(actor));
    for (const attached of kicked) {
      kicks.tell(attached);
      this.#drop(attached);
      control.forget(attached, { actor: by });
    }
    life.changed();
    const message = `not typed: ${actor.name} was removed from ${life.name} before the program read it`;
    await unread.stop((typist) => personOf(typist) === personOf(actor), { reason: 'not-in-control', message });
    return kicked.length;
  }

  /**
   * A guest's time is over: as `kick`, for one attachment, and who it was may come back by another invite. `message` is
   * what the client is told.
   */
  putOut(channel: Channel, message: string): void {
    const { clients, control, kicks, unread } = this.#options;
    const attached = clients.at(channel);
    if (!attached) return;
    kicks.tell(attached, message);
    this.#drop(attached);
    control.forget(attached);
    void unread.stop((typist) => personOf(typist) === personOf(attached.actor), {
      reason: 'not-in-control',
      message: `not typed: ${message}`,
    });
  }

  /** Nobody looks at an ended session: its screen can be drawn again. */
  closeIdleScreen(): void {
    const { life, clients, output } = this.#options;
    if (!life.isRunning && clients.size === 0) output.screen.close();
  }

  /** Makes room for the session's next life: clients attach anew. For a session that has ended. */
  retire(): void {
    for (const attached of [...this.#options.clients.all()]) this.#remove(attached);
    this.#options.output.screen.close();
  }

  /** A client's id stands for its input and its control: a guest who takes another's would be taken for them. */
  #mustBeOwnClient({ who: { client, actor, grant } }: ClientConnection): void {
    if (!grant) return;
    const { clients, life, records } = this.#options;
    const here = clients.of(client)?.connection.who.grant?.id;
    const before = clients.of(client) ? here : records.inviteOfClient(life.id, client);
    if (before === grant.id || (before === undefined && !clients.of(client))) return;
    throw new CmdopError('unauthorized', `the client ${client} is not one of ${actor.name}: start this client anew`);
  }

  #drop(attached: Attached): void {
    this.#remove(attached);
    this.#options.size.fit(attached);
    this.#options.life.changed();
    this.closeIdleScreen();
  }

  #remove(attached: Attached): void {
    const { life, clients, output, agents } = this.#options;
    agents.gone(attached.client);
    clients.remove(attached);
    output.unsubscribe(attached.channel);
    life.record(attached, 'detach', { client: attached.client });
    if (attached.actor.kind === 'agent') this.#options.agentSaw({ is: 'agent-left', agent: attached.actor.name });
  }
}
