/** A session that is made: what is on record of it, its folder, and the keeper that starts its program. */
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { basename } from 'node:path';
import { homeFolder } from '#local/home-folder.ts';
import { CmdopError } from '#protocol/errors.ts';
import { newSessionId, type Offset } from '#protocol/ids.ts';
import type { Params } from '#protocol/messages.ts';
import type { Actor, Size } from '#protocol/shapes.ts';
import { joinKey, ownKey } from '../agents/agent-guard.ts';
import { isAgent } from '../agents/input-judge.ts';
import type { StoredSession } from '../journal/records.ts';
import type { KeeperStarter } from '../keepers/keeper-starter.ts';
import { keeperMeta } from '../keepers/left-with-keeper.ts';
import { type Launch, prepareLaunch, removeLaunchFiles } from '../keepers/shell-launch.ts';
import { bootId } from './boot.ts';
import { type SessionSurroundings, sessionFolder } from './open-session.ts';

const DEFAULT_SIZE: Size = { cols: 80, rows: 24 };

export type CreationOptions = SessionSurroundings & {
  wanted: Params<'session.create'>;
  by: Actor;
  keepers: KeeperStarter;
  shellDir: string;
  version: string;
};

/** A program that runs in its keeper, to be opened; `files` are of no use once its shell has read them. */
export type Started = { stored: StoredSession; nonce: string | null; files: readonly string[] };

export class SessionCreation {
  readonly #options: CreationOptions;
  readonly #id = newSessionId((n) => randomBytes(n));
  readonly #cwd: string;
  readonly #launch: Launch;

  constructor(options: CreationOptions) {
    this.#options = options;
    const { wanted, paths, shellDir, version } = options;
    this.#cwd = wanted.cwd ?? homeFolder();
    this.#launch = prepareLaunch({
      session: this.#id,
      command: wanted.command ?? null,
      cwd: this.#cwd,
      env: wanted.env ?? {},
      runDir: paths.runDir,
      shellDir,
      version,
    });
  }

  /** Where none is given. */
  get usualName(): string {
    return basename(this.#options.wanted.command?.[0] ?? '') || basename(this.#cwd) || basename(this.#launch.file);
  }

  /** Rejects where no program runs. */
  async perform(name: string): Promise<Started> {
    const { wanted, by, keepers, clock, records, paths, settings, desk } = this.#options;
    const [id, cwd, launch] = [this.#id, this.#cwd, this.#launch];
    try {
      const stored: StoredSession = {
        id,
        name,
        command: wanted.command ?? [launch.file],
        cwd,
        title: '',
        size: wanted.size ?? DEFAULT_SIZE,
        createdAt: clock.wallNow(),
        endedAt: null,
        end: null,
        bootId: bootId(),
        access: {
          controlMode: wanted.controlMode ?? settings.controlMode,
          agentsPaused: false,
          sizePolicy: 'controller',
          roles: [],
        },
      };
      this.#record('session', { is: 'created', name, command: stored.command, cwd, controlMode: stored.access?.controlMode });
      this.#record('resize', { ...stored.size });
      if (isAgent(by)) for (const key of [joinKey(by), ownKey(by)]) desk.approvals.grant(id, key, by);
      makeFolder(sessionFolder(paths, id)); // before there is a program that nobody could reach
      await keepers.start({
        session: id,
        socket: paths.keeperSocket(id),
        meta: keeperMeta(stored, launch.nonce),
        file: launch.file,
        args: [...launch.args],
        env: launch.env,
        cwd,
        ...stored.size,
      });
      records.saveSession(stored);
      return { stored, nonce: launch.nonce, files: launch.files };
    } catch (error) {
      removeLaunchFiles(launch.files);
      throw error;
    }
  }

  #record(kind: 'session' | 'resize', payload: Record<string, unknown>): void {
    const { journal, by } = this.#options;
    journal.append({ session: this.#id, actor: by.id, interface: by.interface, kind, outputOffset: 0 as Offset, payload });
  }
}

/** Throws `storage`. */
function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new CmdopError('storage', `the session was not started: ${folder} cannot be made (${(error as Error).message})`);
  }
}
