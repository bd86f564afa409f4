/** A host as a program sees it: its sessions, over one connection that comes back by itself. */
import type { CmdopClient } from '#client/cmdop-client.ts';
import type { SessionSummary } from '#protocol/shapes.ts';
import { AttachedSession } from './attached-session.ts';
import type { CallOptions, Cmdop, CreateOptions, Session, SessionInfo } from './client.d.ts';
import type { CommandNews } from './command-run.ts';
import { refusal } from './refusal.ts';
import { HostedSession } from './session.ts';
import { infoOf } from './session-info.ts';
import { abortable } from './wait.ts';

export class Hosted implements Cmdop {
  readonly host: string;
  readonly #client: CmdopClient;
  readonly #news: CommandNews;

  constructor(options: { client: CmdopClient; news: CommandNews; host: string }) {
    this.host = options.host;
    this.#client = options.client;
    this.#news = options.news;
  }

  async list({ signal }: CallOptions = {}): Promise<SessionInfo[]> {
    const sessions = await abortable(this.#client.sessions(), signal);
    return sessions.map((session) => infoOf(session, this.host));
  }

  async create({ name, cwd, command, env, size, signal }: CreateOptions = {}): Promise<Session> {
    const wanted = {
      ...(name === undefined ? {} : { name }),
      ...(cwd === undefined ? {} : { cwd }),
      ...(command === undefined ? {} : { command: [...command] }),
      ...(env === undefined ? {} : { env: { ...env } }),
      ...(size === undefined ? {} : { size }),
    };
    const { session } = await abortable(this.#client.request('session.create', wanted), signal);
    return this.#open(session, signal);
  }

  async session(reference: string, { signal }: CallOptions = {}): Promise<Session> {
    const { session } = await abortable(this.#client.request('session.inspect', { session: reference }), signal);
    return this.#open(session, signal);
  }

  async close(): Promise<void> {
    this.#client.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #open(summary: SessionSummary, signal: CallOptions['signal']): Promise<Session> {
    const attached = await abortable(AttachedSession.open(this.#client, summary.id, { gone: () => {}, refusal }), signal);
    return new HostedSession({ client: this.#client, news: this.#news, attached, name: summary.name, host: this.host });
  }
}
