/** Sessions that plain ssh is served for: which, where, and to whose keys. The process that listens only carries it out. */
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import type { LocalPaths } from '#local/paths.ts';
import { socketTransport } from '#local/socket-transport.ts';
import { CmdopError } from '#protocol/errors.ts';
import { newId, type SessionId } from '#protocol/ids.ts';
import type { Params, Result } from '#protocol/messages.ts';
import type { Actor, SessionSummary } from '#protocol/shapes.ts';
import type { Opening, Order, Report } from '../../guests/wire.ts';
import type { HostNews } from '../host-news.ts';
import type { Journal } from '../journal/journal.ts';
import type { Registry } from '../registry.ts';
import type { LiveSession } from '../sessions/live-session.ts';
import type { GuestRefusals } from '../sharing/guest-refusals.ts';
import { grantOf, type Invites } from '../sharing/invites.ts';
import type { Sharing } from '../sharing/sharing.ts';
import type { StateFiles } from '../state-files.ts';
import { doorsOf } from './doors.ts';
import { GuestsLink } from './guests-link.ts';
import { GuestsProcess } from './guests-process.ts';
import { ShareFile, type SshShare } from './share-file.ts';

const LOOPBACK = '127.0.0.1';
/** The process must have answered by then, milliseconds. */
const ANSWER_MS = 15_000;

export type SshSharesOptions = {
  paths: LocalPaths;
  stateFiles: StateFiles;
  registry: Registry;
  journal: Journal;
  news: HostNews;
  invites: Invites;
  sharing: Sharing;
  guestRefusals: GuestRefusals;
};

type State = Extract<Report, { is: 'state' }>;
type Bound = Pick<Result<'share.ssh'>, 'port' | 'hostKey' | 'publicKey'>;

export class SshShares {
  readonly #options: SshSharesOptions;
  readonly #file: ShareFile;
  readonly #link: GuestsLink;
  readonly #process: GuestsProcess;
  readonly #waiting = new Set<() => void>();
  #listening: Promise<void> | null = null;
  #state: State | null = null;
  #ordered = '';
  #isReconciling = false;
  #isDisposed = false;

  constructor(options: SshSharesOptions) {
    this.#options = options;
    const { guestsFile, guestsSocket, logFile } = options.paths;
    this.#file = new ShareFile(options.stateFiles, guestsFile);
    const { token } = this.#file;
    this.#process = new GuestsProcess({ token, logFile });
    this.#link = new GuestsLink({
      socket: guestsSocket,
      token,
      guest: (socket, opening) => this.#admit(socket, opening),
      report: (said) => this.#reported(said),
      changed: (isThere) => this.#processChanged(isThere),
    });
  }

  /** What is wrong, a sentence, or null. */
  get problem(): string | null {
    if (this.#file.all().length === 0) return null;
    return this.#state?.problem ?? this.#state?.listeners.find(({ problem }) => problem !== null)?.problem ?? null;
  }

  /** Null where a session is not served. */
  placeOf(session: SessionId): NonNullable<SessionSummary['shared']>['ssh'] {
    const share = this.#file.of(session);
    const hostKey = this.#state?.hostKey?.fingerprint;
    return share && { address: share.address, port: share.port, ...(hostKey === undefined ? {} : { hostKey }) };
  }

  /** Serves again what the last host served, if it ended without being told to. */
  async resume(): Promise<void> {
    if (this.#file.all().length === 0) return;
    await this.#listen();
    this.#process.want({ mayBeThere: true });
    this.#reconcile();
  }

  /** Resolves once it listens. Rejects with `bad-request` where it cannot. */
  async open(
    session: LiveSession,
    { address: wanted, port }: Omit<Params<'share.ssh'>, 'session'>,
    by: Actor,
  ): Promise<Result<'share.ssh'>> {
    if (!session.isRunning) throw new CmdopError('session-ended', `${session.name} has ended: there is nothing to share`);
    const before = this.#file.of(session.id);
    const address = wanted ?? before?.address ?? LOOPBACK;
    // Where no port is named: as it is, or beside the others at that address.
    const isThere = (share: SshShare | null) => share?.address === address && (!port || share.port === port);
    const beside = isThere(before) ? before : (this.#file.all().find(isThere) ?? null);
    const { listener, port: near } = beside ?? { listener: newId(8, randomBytes), port: port ?? 0 };
    const share: SshShare = { session: session.id, listener, address, port: near };
    await this.#listen();
    this.#file.set(share);
    this.#process.want({ mayBeThere: false });
    this.#order();
    try {
      const bound = await this.#bound(share);
      if (this.#file.of(session.id) !== share) throw new CmdopError('bad-request', `sharing ${session.name} was stopped meanwhile`);
      for (const each of this.#file.all()) if (each.listener === listener) this.#file.set({ ...each, port: bound.port });
      this.#order();
      if (before?.port !== bound.port || before.address !== address)
        this.#record(session, { is: 'ssh-started', address, port: bound.port, hostKey: bound.hostKey }, by);
      this.#options.news.sessionChanged(session);
      return { session: session.id, sessionName: session.name, address, ...bound };
    } catch (error) {
      if (this.#file.of(session.id) === share) this.#close(session.id, before);
      throw error;
    }
  }

  stop(session: LiveSession, by: Actor): void {
    if (!this.#file.of(session.id)) throw new CmdopError('bad-request', `${session.name} is not shared by ssh: \`cmdop ls\` shows what is`);
    this.#close(session.id, null);
    this.#record(session, { is: 'ssh-stopped' }, by);
    this.#options.news.sessionChanged(session);
  }

  /** Invites, names or sessions changed, perhaps several in this turn. */
  reconcileSoon(): void {
    if (this.#isReconciling || this.#file.all().length === 0) return;
    this.#isReconciling = true;
    setImmediate(() => {
      this.#isReconciling = false;
      this.#reconcile();
    });
  }

  /** `isResumed`: another host takes over at once, and the guests stay. */
  dispose({ isResumed }: { isResumed: boolean }): void {
    this.#isDisposed = true;
    this.#process.unwant();
    if (!isResumed) {
      this.#dismiss('the host was stopped');
      this.#file.forget();
    }
    this.#link.close();
  }

  #listen(): Promise<void> {
    this.#listening ??= this.#link.listen().catch((error: unknown) => {
      this.#listening = null;
      throw new CmdopError('bad-request', `sharing by ssh cannot begin: ${error instanceof Error ? error.message : String(error)}`);
    });
    return this.#listening;
  }

  /** Invites, names and sessions may be others now. */
  #reconcile(): void {
    if (this.#isDisposed) return;
    const { registry } = this.#options;
    for (const { session } of this.#file.all()) {
      const there = registry.known(session);
      if (there?.isRunning) continue;
      this.#close(session, null);
      if (there) this.#record(there, { is: 'ssh-stopped', why: 'the session ended' }, null);
    }
    this.#order();
  }

  #close(session: SessionId, before: SshShare | null): void {
    if (before) this.#file.set(before);
    else this.#file.delete(session);
    if (this.#file.all().length > 0) return this.#order();
    this.#process.unwant();
    this.#dismiss('this session is not shared any more');
    this.#file.forget();
  }

  #dismiss(message: string): void {
    this.#link.dismiss(message);
    this.#ordered = '';
    this.#state = null;
  }

  /** Says who may come in where, if that is news. */
  #order(): void {
    const order: Order = doorsOf(this.#file.all(), this.#options);
    const text = JSON.stringify(order);
    if (text === this.#ordered || !this.#link.isThere) return;
    this.#ordered = text;
    this.#link.order(order);
  }

  #bound({ listener }: SshShare): Promise<Bound> {
    return new Promise((resolve, reject) => {
      const settle = (finish: () => void) => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        finish();
      };
      const timer = setTimeout(
        () =>
          settle(() =>
            reject(new CmdopError('timeout', `the process for guests does not answer: look into ${this.#options.paths.logFile}`)),
          ),
        ANSWER_MS,
      );
      const look = () => {
        try {
          const bound = this.#boundNow(listener);
          if (bound) settle(() => resolve(bound));
        } catch (error) {
          settle(() => reject(error));
        }
      };
      this.#waiting.add(look);
      look();
    });
  }

  /** Null: not known yet. Throws why it cannot be. */
  #boundNow(id: string): Bound | null {
    if (this.#state?.problem) throw new CmdopError('bad-request', this.#state.problem);
    const listener = this.#state?.listeners.find((each) => each.id === id);
    if (listener?.problem) throw new CmdopError('bad-request', `${listener.problem}: name another with --listen`);
    if (!listener?.port || !this.#state?.hostKey) return null;
    return { port: listener.port, hostKey: this.#state.hostKey.fingerprint, publicKey: this.#state.hostKey.publicKey };
  }

  #reported(said: Report): void {
    if (said.is === 'refused' && said.asked) return this.#options.guestRefusals.overSsh(said.asked);
    if (said.is === 'refused') return this.#refused(said);
    this.#state = said;
    for (const look of [...this.#waiting]) look();
    const { news, registry } = this.#options;
    for (const { session } of this.#file.all()) {
      const there = registry.known(session);
      if (there) news.sessionChanged(there); // its summary has the key
    }
    news.warn();
  }

  #processChanged(isThere: boolean): void {
    this.#ordered = '';
    this.#state = null;
    if (!isThere) return this.#process.gone();
    this.#process.came();
    if (this.#file.all().length > 0) this.#order();
    else this.#dismiss('this session is not shared any more');
  }

  /** What the process says is proved, this host looks at again: whether there is such an invite, and for this session. */
  #admit(socket: Socket, { invite: id, session, key, from }: Extract<Opening, { is: 'guest' }>): void {
    const { invites, sharing } = this.#options;
    const invite = invites.get(id);
    const isMeant = invite?.session === session && invite.key === key && this.#file.of(invite.session) !== null;
    if (!invite || !isMeant) return void socket.destroy();
    if (invites.isLive(invite) && invite.usedAt === null) sharing.noted(invites.use(invite, null), 'joined', null);
    sharing.admit(socketTransport(socket, 'ssh'), grantOf(invite, { by: 'ssh-key', key }), { kind: 'ssh', from });
  }

  #refused({ listener, sinceMs, unheard, unproved, addresses, keys, users }: Extract<Report, { is: 'refused' }>): void {
    const sessions = this.#file.all().filter((share) => share.listener === listener);
    const [only] = sessions;
    this.#options.journal.append({
      session: sessions.length === 1 && only ? only.session : null,
      actor: null,
      interface: 'ssh',
      kind: 'share',
      outputOffset: null,
      payload: {
        is: 'ssh-refused',
        at: only ? `${only.address} ${only.port}` : null,
        seconds: Math.round(sinceMs / 1000),
        unheard,
        unproved,
        addresses,
        keys,
        users,
      },
    });
  }

  #record(session: LiveSession, payload: Record<string, unknown>, by: Actor | null): void {
    const { id = null, interface: via = null } = by ?? {};
    this.#options.journal.append({
      session: session.id,
      actor: id,
      interface: via,
      kind: 'share',
      outputOffset: session.output.end,
      payload,
    });
  }
}
