/**
 * cmdop from a program: durable terminal sessions on this machine or another, with the engine of the app itself.
 *
 *     import { connect } from 'cmdop/client';
 *
 * Every call takes a `signal`; what it gives up is not undone (a command that runs goes on). Failures that can be expected
 * are a `CmdopError` with a `code` and one sentence for people. A broken connection comes back by itself.
 */
/// <reference lib="esnext.disposable" />

/** Connects to a host, and starts the one of this machine if it does not run. */
export declare function connect(options?: ConnectOptions): Promise<Cmdop>;

export interface ConnectOptions extends CallOptions {
  /** `local` (the default), a Host of `~/.ssh/config`, `user@name:port`, or a name of `cmdop hosts`. Nothing is asked. */
  host?: string;
  /** How people see this client; by default `$CMDOP_ACTOR`, git's `user.name` or the account. */
  name?: string;
  /** An agent is held to the policy, and people may have to approve what it does. Default: `human`. */
  kind?: 'human' | 'agent';
}

export interface CallOptions {
  /** Gives up waiting: the call rejects with its reason. */
  signal?: Signal;
}

/** An `AbortSignal`. */
export interface Signal {
  readonly aborted: boolean;
  readonly reason?: unknown;
  addEventListener(event: 'abort', listener: () => void): void;
  removeEventListener(event: 'abort', listener: () => void): void;
}

export interface Cmdop extends AsyncDisposable {
  /** As it was asked for. */
  readonly host: string;
  list(options?: CallOptions): Promise<SessionInfo[]>;
  create(options?: CreateOptions): Promise<Session>;
  /** By name, id or the unique start of one. */
  session(reference: string, options?: CallOptions): Promise<Session>;
  /** Ends the connection; sessions go on. */
  close(): Promise<void>;
}

export interface CreateOptions extends CallOptions {
  /** Made up when absent. */
  name?: string;
  /** Folder to start in; the home folder when absent. */
  cwd?: string;
  /** Program and arguments instead of the user's shell. */
  command?: readonly string[];
  /** Added to the environment. */
  env?: Readonly<Record<string, string>>;
  size?: Size;
}

export interface Size {
  cols: number;
  rows: number;
}

export interface SessionInfo {
  readonly id: string;
  readonly name: string;
  /** `cmdop://HOST/NAME` */
  readonly address: string;
  readonly state: 'running' | 'ended';
  /** Of the program, once the session has ended; null where it is not known. */
  readonly exitCode: number | null;
  readonly command: readonly string[];
  readonly cwd: string;
  /** The command that runs now; null at the prompt, and where the shell does not tell. */
  readonly running: string | null;
  /** Unix times, milliseconds. */
  readonly createdAt: number;
  readonly endedAt: number | null;
  /** Where its output ends, an offset: byte n of a session is the same byte for ever. */
  readonly outputEnd: number;
  /** Why its host cannot reach it now, though it goes on; absent where it can. */
  readonly unreachable?: string;
}

/** A session, also while the connection is away. Disposing of it detaches; the session goes on. */
export interface Session extends AsyncDisposable {
  readonly id: string;
  readonly name: string;
  info(options?: CallOptions): Promise<SessionInfo>;
  /**
   * Types one command line at the prompt of a shell, and waits for its end. Folder and variables stay for the next one.
   * Rejects with `busy` where something runs, `control-held` where a person has control, `timeout` where it goes on.
   */
  run(command: string, options?: RunOptions): Promise<RunResult>;
  /** Types a text as one unit, and Enter after it if asked to. */
  send(text: string, options?: SendOptions): Promise<void>;
  /** Presses keys, as one unit: `Enter`, `Ctrl+C`, `Up`, `F5`, `Alt+x`… */
  press(...keys: string[]): Promise<void>;
  /** Ctrl-C ahead of whatever waits. */
  interrupt(options?: CallOptions): Promise<void>;
  /** Output as it comes, from an offset on, without a gap or a byte twice across broken connections; ends with the session. */
  stream(options?: StreamOptions): AsyncIterableIterator<OutputChunk>;
  /** Waits for one thing. Rejects with `timeout`, and with `session-ended` where it can no more happen. */
  waitFor(wanted: Wanted, options?: WaitOptions): Promise<Found>;
  /** Files of the session's machine; paths go from its folder, or are absolute. */
  readonly files: Files;
  /** What is on the screen now. */
  screen(options?: CallOptions): Promise<Screen>;
  /** Gives the terminal this size, whatever windows are open on it. */
  resize(size: Size, options?: CallOptions): Promise<void>;
  /** Sends a signal to the session's programs; SIGHUP, which ends a shell, by default. */
  kill(signal?: KillSignal, options?: CallOptions): Promise<void>;
  /** Detaches; the session goes on. */
  close(): Promise<void>;
}

/** A transfer that is cut goes on where it was, and ends with the same hash on both sides. */
export interface Files {
  list(path?: string, options?: CallOptions): Promise<FileInfo[]>;
  /** What is in a file. */
  read(path: string, options?: CallOptions): Promise<Uint8Array>;
  /** Whole or not at all; rejects with `file-exists` where one is there, unless it may be overwritten. Resolves with its path. */
  write(path: string, content: string | Uint8Array, options?: WriteOptions): Promise<string>;
}

export interface WriteOptions extends CallOptions {
  overwrite?: boolean;
  /** Permission bits of a new file: `0o755`. */
  mode?: number;
}

export interface FileInfo {
  readonly name: string;
  readonly kind: 'file' | 'folder' | 'link' | 'pipe' | 'socket' | 'device';
  /** Bytes. */
  readonly size: number;
  /** Unix time, milliseconds. */
  readonly modifiedAt: number;
  /** Permission bits. */
  readonly mode: number;
}

export type KillSignal = 'SIGHUP' | 'SIGINT' | 'SIGQUIT' | 'SIGTERM' | 'SIGKILL' | 'SIGUSR1' | 'SIGUSR2' | 'SIGSTOP' | 'SIGCONT';

export interface RunOptions extends CallOptions {
  /** Gives up waiting after so long; the command goes on. Default: no limit. */
  timeoutMs?: number;
}

export interface RunResult {
  /** Without control sequences. */
  readonly output: string;
  /** Null where the shell does not tell. */
  readonly exitCode: number | null;
  /** Where it ran. */
  readonly cwd: string;
  readonly durationMs: number | null;
  /** Its output, offsets. */
  readonly from: number;
  readonly to: number;
  /** Its number in the history, as `cmdop log` has it. */
  readonly id: number;
}

export interface SendOptions extends CallOptions {
  enter?: boolean;
}

export interface StreamOptions extends CallOptions {
  /** An offset; by default where the output ends now. */
  from?: number;
}

export interface OutputChunk {
  readonly from: number;
  readonly to: number;
  readonly bytes: Uint8Array;
  /** The same without control sequences. */
  readonly text: string;
  /** Output before this chunk that the host does not hold any more. */
  readonly gap: { readonly from: number; readonly to: number } | null;
}

/** Exactly one of them. */
export type Wanted =
  | { text: string }
  | { regex: RegExp }
  /** Nothing is printed for so long. */
  | { idleMs: number }
  /** The shell is back at its prompt. */
  | { prompt: true }
  /** The session has ended. */
  | { exit: true }
  /** Something listens on this TCP port of the session's machine, whoever it is. */
  | { port: number };

export interface WaitOptions extends CallOptions {
  /** Default: a minute. */
  timeoutMs?: number;
  /** Count only output from this offset on; without it what is on the screen counts as well, and what came of the last `send`. */
  from?: number;
}

export interface Found {
  /** The line with the text; null where none was looked for. */
  readonly line: string | null;
  /** Output up to here was looked at: where to go on. */
  readonly offset: number;
}

export interface Screen {
  /** One string a row, without blanks at its end; in the cursor's row those before it stay. */
  readonly lines: readonly string[];
  readonly cursor: { readonly row: number; readonly col: number; readonly visible: boolean };
  readonly size: Size;
  readonly title: string;
  /** The screen is what all output before this offset made. */
  readonly offset: number;
}

/** An expected failure: `message` is one sentence that says what happened and what to do. */
export declare abstract class CmdopError extends Error {
  readonly code: ErrorCode;
  readonly data: Readonly<Record<string, unknown>> | undefined;
}

/** New ones may be added. */
export type ErrorCode =
  | 'session-not-found'
  | 'session-ambiguous'
  | 'session-ended'
  | 'session-unreachable'
  | 'name-taken'
  | 'busy'
  | 'no-shell-integration'
  | 'control-held'
  | 'observer'
  | 'agents-paused'
  | 'policy'
  | 'rejected'
  | 'secret-prompt'
  | 'cwd-missing'
  | 'file-exists'
  | 'file-not-found'
  | 'file-refused'
  | 'command-not-found'
  | 'host-unreachable'
  | 'unauthorized'
  | 'disconnected'
  | 'timeout'
  | (string & {});
