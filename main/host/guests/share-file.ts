/** Which sessions plain ssh is served for, and where: kept for the next host, should this one crash or be replaced. */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { SessionId } from '#protocol/ids.ts';
import { sessionId } from '#protocol/shapes.ts';
import type { StateFile, StateFiles } from '../state-files.ts';

const share = z.object({
  session: sessionId,
  /** Sessions at one address and port have one. */
  listener: z.string().min(1).max(64),
  address: z.string().min(1).max(255),
  /** 0 until it is known which one is free. */
  port: z.number().int().min(0).max(65535),
});
export type SshShare = z.infer<typeof share>;

const shape = z.object({ token: z.string().min(32).max(128), shares: z.array(share).max(1_000) });

export class ShareFile {
  readonly #file: StateFile<z.infer<typeof shape>>;
  /** By which the process for guests is known; the same for every host that finds this file. */
  readonly token: string;
  readonly #shares = new Map<SessionId, SshShare>();

  /** Never throws: of a file that cannot be understood nothing is shared. */
  constructor(files: StateFiles, file: string) {
    this.#file = files.open({
      file,
      shape,
      whileDamaged: 'nothing is shared by ssh; `cmdop share --ssh` shares a session anew',
      whileUnwritten: 'what is shared by ssh is not found again after a crash',
    });
    const { found } = this.#file;
    this.token = found?.token ?? randomBytes(32).toString('base64url');
    for (const each of found?.shares ?? []) this.#shares.set(each.session, each);
  }

  all(): SshShare[] {
    return [...this.#shares.values()];
  }
  of(session: SessionId): SshShare | null {
    return this.#shares.get(session) ?? null;
  }
  set(wanted: SshShare): void {
    this.#shares.set(wanted.session, wanted);
    this.#save();
  }
  delete(session: SessionId): void {
    if (this.#shares.delete(session)) this.#save();
  }

  /** Stopped on purpose: the next host shares nothing. */
  forget(): void {
    this.#shares.clear();
    this.#file.remove('and the next host shares by ssh what it names');
  }

  #save(): void {
    this.#file.write({ token: this.token, shares: this.all() });
  }
}
