/** The host: every session of this user on this machine, and every client that works on them. */
import { randomBytes } from 'node:crypto';
import type { LocalPaths } from '#local/paths.ts';
import type { Approval } from '#protocol/approvals.ts';
import type { SessionId } from '#protocol/ids.ts';
import type { EventName, EventParams } from '#protocol/messages.ts';
import type { Actor, CommandRecord, HostStatus } from '#protocol/shapes.ts';
import type { Transport } from '#protocol/transport.ts';
import { PROTOCOL } from '#protocol/versions.ts';
import { LOOK_EVERY_MS } from '#session/client-vigil.ts';
import type { AgentGuard } from './agent-guard.ts';
import { approvalHandlers } from './approval-methods.ts';
import { ClientConnection, type ClientPeer } from './client-connection.ts';
import type { StoredCommand } from './command-records.ts';
import { HostSettings } from './host-settings.ts';
import { isAgent, type PolicyDesk } from './input-judge.ts';
import { Journal } from './journal.ts';
import { JournalWatchers } from './journal-watchers.ts';
import type { KeeperRuntime } from './keeper-starter.ts';
import type { LiveSession } from './live-session.ts';
import { Attachments, createHandlers } from './methods.ts';
import { guardedSession, newPolicyDesk } from './policy-desk.ts';
import type { PolicyFile } from './policy-file.ts';
import { Records } from './records.ts';
import { Registry } from './registry.ts';
import { Screens } from './screens.ts';
import type { Build } from './successor.ts';
import { verifyFiles } from './verify-files.ts';
import { WebServer } from './web-server.ts';

export type HostOptions = {
  paths: LocalPaths;
  runtime: KeeperRuntime;
  shellDir: string;
  /** The built interface, for browsers. */
  rendererDir: string;
  version: string;
  /** See HostStatus. */
  build: string | null;
  startedAt: number;
  failedHandoff: { at: number; message: string } | null;
  clock: { now(): number; wallNow(): number };
  /** Asked to end, by a client. */
  stop: () => void;
  /** Asked to give way to another build, or to what now lies where this one came from; resolves once that waits. */
  handOff: (build: Build | undefined) => Promise<{ pid: number }>;
};

export class Host {
  readonly #options: HostOptions;
  readonly #journal: Journal;
  readonly #records: Records;
  readonly #journalWatchers: JournalWatchers;
  readonly #screens: Screens;
  readonly #policy: PolicyFile;
  readonly #desk: PolicyDesk;
  readonly #guard: AgentGuard;
  readonly #registry: Registry;
  readonly #settings: HostSettings;
  readonly #web: WebServer;
  readonly #attachments = new Attachments();
  readonly #connections = new Set<ClientConnection>();
  /** Looks for clients that vanished; only while there are any, so that an idle host sleeps. */
  #looking: NodeJS.Timeout | null = null;
  #lookedAt = 0;
  readonly #peer: ClientPeer;
  /** Sessions to tell watchers about at the end of this turn. */
  readonly #changed = new Set<LiveSession>();
  readonly #problems = new Map<SessionId, string>();
  readonly #removedNames = new Map<SessionId, string>();

  constructor(options: HostOptions) {
    this.#options = options;
    this.#journal = new Journal({ file: options.paths.journalFile, wallNow: options.clock.wallNow });
    this.#journal.onProblem = () => this.#warn();
    this.#records = new Records({ journal: this.#journal, randomBytes: (n) => randomBytes(n) });
    this.#journalWatchers = new JournalWatchers(this.#records);
    this.#journal.onAppended = (row) => this.#journalWatchers.appended(row);
    this.#settings = new HostSettings(options.paths.settingsFile);
    this.#screens = new Screens({ events: this.#screenEvents() });
    const { desk, guard, policy } = newPolicyDesk({
      paths: options.paths,
      journal: this.#journal,
      records: this.#records,
      wallNow: options.clock.wallNow,
      find: (reference) => guardedSession(this.#registry.find(reference)),
      isPaused: () => this.#settings.agentsPaused,
      policyChanged: () => {
        this.#warn();
        // After the turn in which an approval may have made the rule.
        setImmediate(() => {
          for (const session of this.#registry.all()) session.policyChanged();
        });
      },
      changed: (approval) => this.#approvalChanged(approval),
    });
    this.#policy = policy;
    this.#desk = desk;
    this.#guard = guard;
    this.#registry = new Registry({
      ...options,
      desk,
      journal: this.#journal,
      records: this.#records,
      screens: this.#screens,
      settings: this.#settings,
      events: {
        changed: (session) => this.#sessionChanged(session),
        typing: (params) => this.#toWatchers('actor.typing', params),
        command: (command) => this.#commandChanged(command),
        problem: (session, sentence) => this.#problem(session, sentence),
      },
    });
    this.#web = new WebServer({
      rendererDir: options.rendererDir,
      memoryFile: options.paths.webFile,
      connected: (transport) => this.connect(transport),
    });
    this.#peer = {
      handlers: createHandlers({
        registry: this.#registry,
        records: this.#records,
        journal: this.#journal,
        screens: this.#screens,
        identity: { version: options.version, build: options.build, startedAt: options.startedAt },
        status: () => this.#status(),
        warnings: () => this.#warnings(),
        verifyFiles: () => verifyFiles({ ...options.paths, sessions: this.#registry.all() }),
        commandRecords: (filter) => this.#records.commands.list(filter).map((command) => this.#commandRecord(command)),
        approvals: approvalHandlers({
          approvals: desk.approvals,
          guard,
          policy,
          journal: this.#journal,
          attachments: this.#attachments,
          find: (reference) => guardedSession(this.#registry.find(reference)),
        }),
        commandRecord: (command) => this.#commandRecord(command),
        isPresent: (actor, except) =>
          [...this.#connections].some(({ greeted }) => greeted?.actor.id === actor && greeted.client !== except),
        attachments: this.#attachments,
        pauseEverywhere: (isPaused, by) => this.#pauseAgents(isPaused, by),
        setDefaultMode: (controlMode, by) => this.#set({ controlMode }, by),
        watch: (connection) => {
          connection.isWatching = true;
        },
        journalWatchers: this.#journalWatchers,
        stop: options.stop,
        handOff: options.handOff,
        openWeb: (asked) => this.#web.open(asked),
      }),
      permit: (connection, method, params) => guard.permit(connection, method, params),
      input: (connection, { channel, epoch, seq, bytes }) =>
        this.#attachments.get(connection, channel)?.input(channel, { epoch, seq, bytes }),
      acknowledged: (connection, { channel, offset }) => this.#attachments.get(connection, channel)?.acknowledged(channel, offset),
      drained: (connection) => {
        for (const [channel, session] of this.#attachments.of(connection)) session.drained(channel);
      },
      closed: (connection) => {
        this.#connections.delete(connection);
        this.#journalWatchers.delete(connection);
        guard.closed(connection);
        if (this.#connections.size === 0) this.#stopLooking();
        for (const [channel, session] of this.#attachments.take(connection)) session.cut(channel);
      },
    };
  }

  /** Sessions whose program runs. */
  get running(): number {
    return this.#registry.all().filter(({ isRunning }) => isRunning).length;
  }

  /** Finds the sessions of earlier hosts. Resolves with how many have a keeper. */
  async start(): Promise<number> {
    const { failedHandoff, version } = this.#options;
    this.#journal.append({
      session: null,
      actor: null,
      interface: null,
      kind: 'host',
      outputOffset: null,
      payload: { is: 'started', pid: process.pid, version, ...(failedHandoff ? { failedHandoff: failedHandoff.message } : {}) },
    });
    const adopted = await this.#registry.adopt();
    await this.#web.resume();
    return adopted;
  }

  /** A client has connected. */
  connect(transport: Transport): void {
    this.#connections.add(new ClientConnection(transport, this.#peer));
    if (this.#looking) return;
    this.#lookedAt = this.#options.clock.now();
    this.#looking = setInterval(() => this.#lookForVanished(), LOOK_EVERY_MS);
  }

  /** Ends this process's part; sessions go on with their keepers. */
  async stop(reason: EventParams<'host.stopping'>['reason']): Promise<void> {
    await this.#registry.settled();
    for (const connection of this.#connections) connection.event('host.stopping', { reason });
    for (const connection of [...this.#connections]) connection.close();
    this.#web.close({ isResumed: reason === 'upgrade' });
    this.#desk.approvals.dispose();
    this.#policy.dispose();
    await this.#registry.dispose();
    this.#journal.append({
      session: null,
      actor: null,
      interface: null,
      kind: 'host',
      outputOffset: null,
      payload: { is: 'stopped', reason },
    });
    this.#journal.dispose();
    await this.#screens.dispose();
  }

  /** In one turn: after it no agent's unit passes any gate. */
  #pauseAgents(isPaused: boolean, by: Actor): void {
    for (const session of this.#registry.all()) session.control.pauseEverywhere(isPaused, by);
    this.#set({ agentsPaused: isPaused }, by);
    if (isPaused) this.#desk.approvals.withdrawAll('agents are paused');
    this.#toWatchers('agents.changed', { agentsPaused: isPaused, by });
  }

  #set(change: Parameters<HostSettings['set']>[0], by: Actor): void {
    const before = this.#settings.problem;
    this.#settings.set(change);
    if (this.#settings.problem !== before) this.#warn();
    this.#journal.append({
      session: null,
      actor: by.id,
      interface: by.interface,
      kind: 'agentsPaused' in change ? 'agents' : 'host',
      outputOffset: null,
      payload: { is: 'set', ...change },
    });
  }

  #lookForVanished(): void {
    const now = this.#options.clock.now();
    const sinceLastMs = now - this.#lookedAt;
    this.#lookedAt = now;
    for (const connection of [...this.#connections]) connection.look(sinceLastMs);
  }

  #stopLooking(): void {
    if (this.#looking) clearInterval(this.#looking);
    this.#looking = null;
  }

  #screenEvents(): ConstructorParameters<typeof Screens>[0]['events'] {
    const at = (id: SessionId) => this.#registry.get(id);
    return {
      reply: (id, bytes) => at(id)?.reply(bytes),
      osc: (id, osc) => {
        at(id)?.osc(osc);
        at(id)?.agentSaw({ is: 'osc', code: osc.code, payload: osc.payload });
      },
      title: (id, title) => at(id)?.titled(title),
      bell: (id) => at(id)?.agentSaw({ is: 'bell' }),
      modes: (id, modes) => at(id)?.commands.modes(modes),
      checkpoint: (id, snapshot) => at(id)?.output.checkpoint(snapshot),
      parsed: (id) => at(id)?.output.caughtUp(),
      lost: (id, message) => {
        console.error(`the screen of ${id} broke: ${message}`);
        at(id)
          ?.output.reopenScreen()
          .catch((error: unknown) => console.error(`the screen of ${id} could not be drawn again:`, error));
      },
    };
  }

  /** Watchers are told once a turn, however much changed in it. */
  #sessionChanged(session: LiveSession): void {
    if (this.#changed.size === 0) setImmediate(() => this.#tellChanged());
    this.#changed.add(session);
  }

  #tellChanged(): void {
    const sessions = [...this.#changed];
    this.#changed.clear();
    for (const session of sessions) {
      const current = this.#registry.get(session.id);
      if (current === session) this.#toWatchers('session.changed', { session: session.summary() });
      else if (!current) this.#toWatchers('session.removed', { session: session.id });
    }
  }

  #toWatchers<E extends EventName>(event: E, params: EventParams<E>, may: (actor: Actor) => boolean = () => true): void {
    for (const connection of this.#connections)
      if (connection.isWatching && connection.greeted && may(connection.greeted.actor)) connection.event(event, params);
  }

  #commandChanged(command: StoredCommand): void {
    const record = this.#commandRecord(command);
    const agent = record.submitter?.kind === 'agent' ? record.submitter.name : null;
    this.#registry
      .get(command.session)
      ?.agentSaw(
        command.endedAt === null
          ? { is: 'command-started', text: record.text, agent }
          : { is: 'command-ended', exitCode: record.exitCode, agent },
      );
    const session = this.#registry.get(command.session);
    this.#toWatchers(
      'command.changed',
      { command: record },
      (who) => session !== null && this.#guard.mayRead(who, guardedSession(session)),
    );
  }

  /** To people, and to whoever asked. */
  #approvalChanged(approval: Approval): void {
    const { actor, kind, state, session, shown } = approval;
    this.#toWatchers('approval.changed', { approval }, (who) => !isAgent(who));
    for (const connection of this.#connections)
      if (connection.greeted?.actor.id === actor.id && isAgent(actor)) connection.event('approval.changed', { approval });
    const agent = actor.name;
    const asking = { is: 'asks', agent, kind: kind === 'question' ? 'input' : 'approval', message: shown.slice(0, 200) } as const;
    this.#registry.get(session)?.agentSaw(state === 'pending' ? asking : { is: 'answered', agent });
  }

  #removedName(session: SessionId): string {
    // Asked once a session: what was removed keeps its name.
    let name = this.#removedNames.get(session);
    if (name === undefined) {
      name = this.#records.removedSessions().find(({ id }) => id === session)?.name ?? session;
      this.#removedNames.set(session, name);
    }
    return name;
  }

  #commandRecord(command: StoredCommand): CommandRecord {
    const actor = (id: StoredCommand['submitter']) => (id === null ? null : this.#records.actor(id));
    const { authors, submitter, ...rest } = command;
    return {
      ...rest,
      sessionName: this.#registry.get(command.session)?.name ?? this.#removedName(command.session),
      authors: authors.flatMap((id) => actor(id) ?? []),
      submitter: actor(submitter),
    };
  }

  #problem(session: SessionId, sentence: string | null): void {
    if (sentence === null) this.#problems.delete(session);
    else this.#problems.set(session, sentence);
    this.#warn();
  }

  #warn(): void {
    this.#toWatchers('host.warnings', { warnings: this.#warnings() });
  }

  #warnings(): string[] {
    const own = [this.#journal.problem, this.#settings.problem, this.#policy.problem].filter((problem) => problem !== null);
    return [...own, ...this.#problems.values()];
  }

  #status(): HostStatus {
    const sessions = this.#registry.all();
    const running = this.running;
    return {
      pid: process.pid,
      version: this.#options.version,
      build: this.#options.build,
      failedHandoff: this.#options.failedHandoff,
      protocol: PROTOCOL,
      startedAt: this.#options.startedAt,
      socket: this.#options.paths.hostSocket,
      stateDir: this.#options.paths.stateDir,
      sessions: { running, ended: sessions.length - running },
      clients: this.#connections.size,
      web: this.#web.address,
      warnings: this.#warnings(),
      agentsPaused: this.#settings.agentsPaused,
      controlMode: this.#settings.controlMode,
    };
  }
}
