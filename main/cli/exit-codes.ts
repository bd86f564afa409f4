/** What the exit code of `cmdop` says. */
import { CmdopError, type ErrorCode } from '#protocol/errors.ts';

export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  refused: 3,
  noSession: 4,
  hostUnreachable: 69,
  timeout: 124,
  interrupted: 130,
} as const;

export const EXIT_CODES_HELP = `Exit codes:
  0    done
  1    the operation failed
  2    wrong usage
  3    refused: someone else has control, the role does not allow it, or
       a person or the policy said no
  4    no such session, or the name fits several
  69   the host cannot be reached or started
  124  timed out
  130  interrupted
  attach and run exit with the program's own code (128 + n after signal n).`;

const BY_ERROR: Partial<Record<ErrorCode, number>> = {
  'control-held': EXIT.refused,
  observer: EXIT.refused,
  'agents-paused': EXIT.refused,
  'not-owner': EXIT.refused,
  kicked: EXIT.refused,
  unauthorized: EXIT.refused,
  policy: EXIT.refused,
  rejected: EXIT.refused,
  'secret-prompt': EXIT.refused,
  unsaved: EXIT.refused,
  'session-not-found': EXIT.noSession,
  'session-ambiguous': EXIT.noSession,
  'host-unreachable': EXIT.hostUnreachable,
  'not-installed': EXIT.hostUnreachable,
  'bad-configuration': EXIT.usage,
  disconnected: EXIT.hostUnreachable,
  'host-key': EXIT.hostUnreachable,
  'protocol-mismatch': EXIT.hostUnreachable,
  'bad-magic': EXIT.hostUnreachable,
  timeout: EXIT.timeout,
};

export function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return EXIT.usage;
  if (error instanceof Interrupted) return EXIT.interrupted;
  return error instanceof CmdopError ? (BY_ERROR[error.code] ?? EXIT.failed) : EXIT.failed;
}

/** The person gave up waiting. */
export class Interrupted extends Error {
  override name = 'Interrupted';
}

/** The command line cannot be meant: nothing was asked of the host. */
export class UsageError extends Error {
  override name = 'UsageError';
}

/** One line, without the name of any class; candidates of an ambiguous name are part of it. */
export function sentenceOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const candidates = error instanceof CmdopError ? candidatesIn(error.data) : [];
  const missing = candidates.filter((candidate) => !message.includes(candidate));
  const all = missing.length > 0 ? `${message} (${candidates.join(', ')})` : message;
  return all.replace(/\s*\n\s*/g, ' ');
}

function candidatesIn(data: Record<string, unknown> | undefined): string[] {
  const candidates: unknown = data?.candidates;
  if (!Array.isArray(candidates)) return [];
  return candidates.map((each: unknown) => {
    if (typeof each !== 'object' || each === null) return String(each);
    const { name, id } = each as { name?: unknown; id?: unknown };
    return name === undefined ? String(id) : String(name);
  });
}
