/** The host: every session of this user on this machine, and every client that works on them. */
import { randomBytes } from 'node:crypto';
import type { LocalPaths } from '#local/paths.ts';
import type { EventParams, Method, Params } from '#protocol/messages.ts';
import type { Actor, HostStatus } from '#protocol/shapes.ts';
import type { Transport } from '#protocol/transport.ts';
import { PROTOCOL } from '#protocol/versions.ts';
import type { AgentGuard } from './agents/agent-guard.ts';
import type { PolicyDesk } from './agents/input-judge.ts';
import { guardedSession, newPolicyDesk } from './agents/policy-desk.ts';
import type { PolicyFile } from './agents/policy-file.ts';
import { Attachments } from './attachments.ts';
import { ClientConnection, type ClientPeer } from './client-connection.ts';
import type { Entry } from './client-entry.ts';
import { Connections } from './connections.ts';
import { HostNews } from './host-news.ts';
import { HostSettings } from './host-settings.ts';
import { Journal } from './journal/journal.ts';
import { JournalWatchers } from './journal/journal-watchers.ts';
import { Records } from './journal/records.ts';
import { tellUnrecorded } from './journal/unrecorded.ts';
import type { KeeperProgram } from './keepers/keeper-program.ts';
import { createHandlers } from './methods.ts';
import { Registry } from './registry.ts';
import { screenEvents } from './screen/screen-events.ts';
import { Screens } from './screen/screens.ts';
import type { Service, ServiceMethod } from './service.ts';
import { hostServices } from './services.ts';
import { RECALLING } from './sessions/delegation.ts';
import { type GuestDesk, newGuestDesk } from './sharing/guest-desk.ts';
import { StateFiles } from './state-files.ts';
import type { Build } from './successor.ts';
import { WebServer } from './web/web-server.ts';

export type HostOptions = {
  paths: LocalPaths;
  keeper: KeeperProgram;
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
  readonly #stateFiles = new StateFiles();
  readonly #services: Service<ServiceMethod>;
  readonly #guests: GuestDesk;
  readonly #web: WebServer;
  readonly #attachments = new Attachments();
  readonly #connections: Connections;
  readonly #peer: ClientPeer;
  readonly #news: HostNews;

  constructor(options: HostOptions) {
    this.#options = options;
    this.#connections = new Connections(() => options.clock.now());
    this.#journal = new Journal({ file: options.paths.journalFile, wallNow: options.clock.wallNow });
    this.#journal.onProblem = () => this.#news.warn();
    this.#records = new Records({ journal: this.#journal, randomBytes: (n) => randomBytes(n) });
    this.#journalWatchers = new JournalWatchers(this.#records, (session) => this.#registry.known(session)?.roles ?? null);
    this.#journal.onAppended = (row) => this.#journalWatchers.appended(row);
    this.#news = new HostNews({
      connections: this.#connections,
      records: this.#records,
      session: (id) => this.#registry.get(id),
      listed: (id) => this.#registry.known(id),
      mayRead: (actor, session) => !session.roles.isKicked(actor) && this.#guard.mayRead(actor, guardedSession(session)),
      problems: () => [this.#journal.problem, ...this.#stateFiles.problems, this.#policy.problem, ...this.#guests.problems],
      hears: (connection, event, params) => this.#guests.sharing.hears(connection, event, params),
    });
    this.#stateFiles.onProblem = () => this.#news.warn();
    this.#settings = new HostSettings(this.#stateFiles, options.paths.settingsFile);
    this.#screens = new Screens({ events: screenEvents((id) => this.#registry.get(id)) });
    const { desk, guard, policy } = newPolicyDesk({
      paths: options.paths,
      journal: this.#journal,
      records: this.#records,
      wallNow: options.clock.wallNow,
      find: (reference) => guardedSession(this.#registry.find(reference)),
      isPaused: () => this.#settings.agentsPaused,
      policyChanged: () => {
        this.#news.warn();
        // After the turn in which an approval may have made the rule.
        setImmediate(() => {
          void this.#registry.recall();
          for (const session of this.#registry.all()) session.typing.agents.policyChanged();
        });
      },
      changed: (approval) => this.#news.approvalChanged(approval),
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
      shared: (id) => this.#guests.shared(id),
      awaited: (session) => this.#news.sessionChanged(session),
      events: {
        changed: (session) => {
          this.#news.sessionChanged(session);
          this.#services.sessionChanged?.(session);
        },
        outputSealed: (session) => this.#services.outputSealed?.(session),
        typing: (params) => this.#news.typing(params),
        command: (command) => this.#news.commandChanged(command),
        problem: (session, sentence) => this.#news.problem(session, sentence),
      },
    });
    this.#web = new WebServer({
      rendererDir: options.rendererDir,
      memoryFile: options.paths.webFile,
      stateFiles: this.#stateFiles,
      connected: (transport) => this.connect(transport),
    });
    this.#guests = newGuestDesk({
      paths: options.paths,
      stateFiles: this.#stateFiles,
      rendererDir: options.rendererDir,
      journal: this.#journal,
      records: this.#records,
      registry: this.#registry,
      news: this.#news,
      attachments: this.#attachments,
      wallNow: options.clock.wallNow,
      connect: (transport, entry) => this.connect(transport, entry),
    });
    this.#services = hostServices({
      paths: options.paths,
      stateFiles: this.#stateFiles,
      clock: options.clock,
      journal: this.#journal,
      records: this.#records,
      settings: this.#settings,
      registry: this.#registry,
      news: this.#news,
      attachments: this.#attachments,
      watchers: this.#journalWatchers,
      desk,
      guard,
      policy,
      guests: this.#guests,
    });
    this.#peer = {
      handlers: {
        ...this.#services.handlers,
        ...createHandlers({
          registry: this.#registry,
          records: this.#records,
          screens: this.#screens,
          identity: { version: options.version, build: options.build, startedAt: options.startedAt },
          status: () => this.#status(),
          warnings: () => this.#news.warnings(),
          isPresent: (actor, except) => this.#connections.has(actor, except),
          attachments: this.#attachments,
          pauseEverywhere: (isPaused, by) => this.#pauseAgents(isPaused, by),
          roleSet: (actor) => this.#guests.sharing.roleSet(actor),
          kicked: (session, actor) => this.#guests.sharing.kicked(session, actor),
          guest: (connection, hello) => this.#guests.grantFor(connection, hello),
          sees: (connection, session) => this.#guests.sharing.sees(connection, session),
          setDefaultMode: (controlMode, by) => this.#set({ controlMode }, by),
          watch: (connection) => {
            connection.isWatching = true;
          },
          stop: options.stop,
          handOff: options.handOff,
          openWeb: (asked) => this.#web.open(asked),
        }),
      },
      request: (connection, method, params) => this.#guests.sharing.request(connection, method, params),
      permit: (connection, method, params) => {
        const arrived = method === 'session.attach' ? this.#registry.arrives(connection, params as Params<'session.attach'>) : null;
        const permit = () => this.#permit(connection, method, params);
        return arrived ? arrived.then(async () => void (await permit())) : permit();
      },
      guestRefused: (connection, request) => this.#guests.sharing.refused(connection, request),
      input: (connection, { channel, epoch, seq, bytes }) => {
        if (this.#guests.sharing.holds(connection)) this.#attachments.get(connection, channel)?.input(channel, { epoch, seq, bytes });
      },
      acknowledged: (connection, { channel, offset }) => this.#attachments.get(connection, channel)?.acknowledged(channel, offset),
      drained: (connection) => {
        for (const [channel, session] of this.#attachments.of(connection)) session.drained(channel);
      },
      closed: (connection) => {
        this.#connections.delete(connection);
        this.#registry.left(connection);
        this.#services.closed(connection);
        for (const [channel, session] of this.#attachments.take(connection)) session.cut(channel);
      },
    };
  }

  /** What another host is to be judged by, or this one by another. */
  get sessions(): Pick<Registry, 'running' | 'found' | 'unanswered'> {
    return this.#registry;
  }

  /** Finds the sessions of earlier hosts; keepers that say nothing for `silentAfterMs` are waited for afterwards. */
  async start(silentAfterMs: number): Promise<void> {
    const { failedHandoff, version, paths, clock } = this.#options;
    tellUnrecorded(this.#journal, { file: paths.unrecordedFile, now: clock.wallNow() });
    this.#journal.append({
      session: null,
      actor: null,
      interface: null,
      kind: 'host',
      outputOffset: null,
      payload: { is: 'started', pid: process.pid, version, ...(failedHandoff ? { failedHandoff: failedHandoff.message } : {}) },
    });
    await this.#registry.adopt(silentAfterMs);
    await this.#web.resume();
    await this.#guests.resume();
  }

  /** A client has connected. */
  connect(transport: Transport, entry: Entry = { is: 'owner' }): ClientConnection {
    const connection = new ClientConnection(transport, this.#peer, entry);
    this.#connections.add(connection);
    return connection;
  }

  /** Ends this process's part; sessions go on with their keepers. */
  async stop(reason: EventParams<'host.stopping'>['reason']): Promise<void> {
    await this.#registry.settled();
    for (const connection of this.#connections) connection.event('host.stopping', { reason });
    this.#connections.closeAll();
    await this.#registry.recall(); // what was typed past this host is in its journal then
    this.#web.close({ isResumed: reason === 'upgrade' });
    this.#services.dispose(reason);
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
  async #pauseAgents(isPaused: boolean, by: Actor): Promise<void> {
    const sessions = this.#registry.all();
    this.#set({ agentsPaused: isPaused }, by); // on disk before anyone is told: a crash must not let them go on
    for (const session of sessions) session.control.pauseEverywhere(isPaused, by);
    const stopped = isPaused ? sessions.map(({ typing }) => typing.agentsPaused()) : [];
    if (isPaused) this.#desk.approvals.withdrawAll('agents are paused');
    this.#news.toWatchers('agents.changed', { agentsPaused: isPaused, by });
    await Promise.all(stopped);
  }

  #permit<M extends Method>(connection: ClientConnection, method: M, params: Params<M>): Promise<void> | null {
    const permitted = this.#guard.permit(connection, method, params);
    const recalled = RECALLING.has(method) ? this.#registry.recall() : null;
    return permitted && recalled ? permitted.then(() => recalled) : (permitted ?? recalled);
  }

  #set(change: Parameters<HostSettings['set']>[0], by: Actor): void {
    this.#settings.set(change);
    this.#journal.append({
      session: null,
      actor: by.id,
      interface: by.interface,
      kind: 'agentsPaused' in change ? 'agents' : 'host',
      outputOffset: null,
      payload: { is: 'set', ...change },
    });
  }

  #status(): HostStatus {
    this.#journal.lookAgain(); // who asks may have mended it
    const { running } = this.#registry;
    return {
      pid: process.pid,
      version: this.#options.version,
      build: this.#options.build,
      failedHandoff: this.#options.failedHandoff,
      protocol: PROTOCOL,
      startedAt: this.#options.startedAt,
      socket: this.#options.paths.hostSocket,
      stateDir: this.#options.paths.stateDir,
      sessions: { running, ended: this.#registry.listed().length - running },
      clients: this.#connections.size,
      web: this.#web.address,
      warnings: this.#news.warnings(),
      agentsPaused: this.#settings.agentsPaused,
      controlMode: this.#settings.controlMode,
    };
  }
}
