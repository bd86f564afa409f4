/** A host behind any command whose stdio is a byte stream: `docker exec -i C cmdop bridge`, `kubectl exec`, `sudo -u`. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { CmdopError } from '#protocol/errors.ts';
import type { Transport } from '#protocol/transport.ts';
import { type BridgeProgram, bridgeTransport, type ProgramEnd } from './bridge-stream.ts';

/** After its input has ended and it was asked to end, a command has so long, milliseconds. */
const END_MS = 2_000;

/** Throws `host-unreachable` with what the command said, or `not-installed`. */
export async function openCommand(host: string, command: readonly string[]): Promise<Transport> {
  const { program, end } = startCommand(host, command);
  program.stdout.once('close', end);
  return bridgeTransport(program, { kind: 'command', host });
}

/** Without a shell. `end` makes sure that it does not stay. */
export function startCommand(host: string, command: readonly string[]): { program: BridgeProgram; end: () => void } {
  const [name = '', ...args] = command;
  // Of its own session: Ctrl-C of a person's terminal is for the session's program, not for what carries the bytes.
  const child = spawn(name, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true, windowsHide: true });
  const exited = new Promise<ProgramEnd>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'ENOENT' ? 'there is no such program in PATH' : error.message;
      resolve({ code: null, signal: null, error: new CmdopError('host-unreachable', `${host}: ${name} cannot be started: ${why}`) });
    });
  });
  return { program: { stdin: child.stdin, stdout: child.stdout, stderr: child.stderr, exited }, end: () => endCommand(child) };
}

function endCommand(child: ChildProcessWithoutNullStreams): void {
  child.stdin.end();
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), END_MS);
  timer.unref();
  child.once('exit', () => clearTimeout(timer));
}
