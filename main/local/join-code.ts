/** The line that brings a guest in: where the host is, by which key it is known, and the one-time code where there is one. */
import { z } from 'zod';
import { CmdopError } from '#protocol/errors.ts';

const joinCode = z.object({
  /** Path of the host's shared socket. */
  socket: z.string().min(1).max(1024),
  /** Fingerprint of the host's key: whoever else answers there is refused. */
  host: z.string().regex(/^SHA256:[A-Za-z0-9+/]{43}$/),
  /** What the host's machine is called. */
  machine: z.string().max(255),
  /** Brings a key in; absent where the key itself is invited. */
  secret: z.string().min(1).max(256).optional(),
  /** Id of the session. */
  session: z.string().max(64).optional(),
});
export type JoinCode = z.infer<typeof joinCode>;

const PREFIX = 'cmdop-';

export function formatJoinCode(code: JoinCode): string {
  return PREFIX + Buffer.from(JSON.stringify(joinCode.parse(code))).toString('base64url');
}

/** How an app is asked to show a code: nothing is done by opening it. */
export const LINK_PREFIX = 'cmdop://join/';

/** Longest that is read, characters: the longest path there is fits. */
const MAX_TEXT = 8_192;

/** From the code, from the whole line `cmdop join CODE`, or from a link; mail may have broken it. Throws `bad-request`. */
export function parseJoinCode(text: string): JoinCode {
  try {
    if (text.length > MAX_TEXT) throw new Error('too long');
    const code = text
      .replace(/^\s*(?:(?:npx\s+)?cmdop\s+join\s+|cmdop:\/\/join\/)/, '')
      .replaceAll(/\s+/g, '')
      .replace(/\/$/, '');
    if (!code.startsWith(PREFIX)) throw new Error('no prefix');
    return joinCode.parse(JSON.parse(Buffer.from(code.slice(PREFIX.length), 'base64url').toString()));
  } catch {
    throw new CmdopError(
      'bad-request',
      'this is no code of `cmdop share`, or not the whole one: it begins with cmdop- and is one long word',
    );
  }
}
