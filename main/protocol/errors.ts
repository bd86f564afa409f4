/** Every error that crosses the wire: a code for programs, a sentence with the value and the remedy for people. */

export const ERROR_CODES = [
  'protocol-mismatch', // no protocol version in common
  'bad-magic', // the other side does not speak cmdop
  'bad-frame', // a frame that breaks the format: the stream is closed
  'bad-request', // a message that does not fit its schema
  'unknown-method',
  'unauthorized',
  'session-not-found',
  'session-ambiguous',
  'session-ended',
  'session-running',
  'session-unreachable', // it goes on, and its host cannot reach it now
  'name-taken',
  'observer', // the role may look, not act
  'control-held', // someone else has control
  'agents-paused', // a person has stopped all agents, here or everywhere
  'not-owner', // only a human owner of the session may do this
  'kicked', // an owner has removed this actor from the session
  'actor-not-found', // nobody of this name has been here
  'cwd-missing',
  'command-not-found',
  'spawn-failed',
  'own-session', // an agent would drive the session that it runs in
  'busy', // the session is not at a prompt
  'no-shell-integration',
  'policy', // a rule forbids it
  'rejected', // a person said no, or nobody said yes in time
  'secret-prompt', // a password is asked for: only people answer
  'no-approval', // nothing of this id waits for a decision
  'output-pruned', // the asked bytes are no longer held
  'storage', // the disk refused
  'file-not-found',
  'file-exists', // it would have to be overwritten, and nobody said so
  'file-refused', // no file that can be copied, or the system does not let its user
  'file-changed', // it is not what the other side has
  'no-checkpoint', // nothing of this number is kept
  'no-folder', // a folder whose files cannot be kept: too wide, or gone
  'unsaved', // it would overwrite what is in no checkpoint
  'host-unreachable',
  'not-installed', // the machine is reached, and has no cmdop
  'bad-configuration', // a file of settings that cannot be used
  'host-key', // the remote host did not prove who it is, or nobody vouched for it
  'port-not-found', // no process of the session listens on it
  'forward-not-found', // this connection has no such forward
  'process-not-found', // no process of the session, or not the one that was meant
  'stream-limit', // no more byte streams over this connection
  'stream-cut', // a byte stream ended before its end
  'disconnected',
  'timeout',
  'internal',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

export type WireError = { code: ErrorCode; message: string; data?: Record<string, unknown> | undefined };

/** An expected failure: `message` is one sentence that says what happened and what to do. */
export class CmdopError extends Error {
  override name = 'CmdopError';

  readonly code: ErrorCode;
  readonly data: Record<string, unknown> | undefined;

  constructor(code: ErrorCode, message: string, data?: Record<string, unknown>) {
    super(message);
    this.code = code;
    this.data = data;
  }

  static from(wire: WireError): CmdopError {
    return new CmdopError(wire.code, wire.message, wire.data);
  }

  toWire(): WireError {
    return { code: this.code, message: this.message, ...(this.data ? { data: this.data } : {}) };
  }
}

/** The other side or a person said no, and would again: another attempt is for a person to make. */
export const isRefusal = ({ code, data }: CmdopError): boolean =>
  code === 'unauthorized' || code === 'host-key' || data?.needs === 'person';

const encoder = new TextEncoder();

/** Longest sentence of an error, characters: it may name what the other side sent, which may be as large as a frame. */
const MAX_SENTENCE = 4096;
/** What an error tells to programs beside it, bytes of JSON; beyond that it is left out. */
const MAX_DATA = 768 * 1024;

/** What to tell the other side about `error`, so that it fits a frame; a bug is named, not described. */
export function toWireError(error: unknown): WireError {
  if (!(error instanceof CmdopError)) {
    const message = error instanceof Error ? error.message : String(error);
    return { code: 'internal', message: `cmdop host: unexpected failure (${clipped(message)}); see the host log` };
  }
  const { code, message, data } = error.toWire();
  const fits = data !== undefined && encoder.encode(JSON.stringify(data)).length <= MAX_DATA;
  return { code, message: clipped(message), ...(fits ? { data } : {}) };
}

const clipped = (sentence: string) => (sentence.length > MAX_SENTENCE ? `${sentence.slice(0, MAX_SENTENCE)}…`.toWellFormed() : sentence);
