/** What a session does, in words. Pure. */
import type { SessionEnd, SessionSummary } from '#protocol/shapes.ts';

/** Shells that a session is started with when nothing else was asked for: between commands they wait at their prompt. */
const SHELLS = new Set(['sh', 'bash', 'zsh', 'fish', 'dash', 'ksh', 'tcsh', 'csh', 'nu', 'pwsh', 'powershell', 'cmd']);

/**
 * The command line that runs: as the shell reports it, or the program the session was started with where that is no shell.
 * Null at the prompt, after the end, and while its host cannot reach the session.
 */
export function runningCommand(session: Pick<SessionSummary, 'state' | 'running' | 'command' | 'unreachable'>): string | null {
  const { state, running, command, unreachable } = session;
  if (state === 'ended' || unreachable !== undefined) return null;
  if (running !== null) return running;
  const program = command[0]?.split(/[/\\]/).at(-1) ?? '';
  return command.length === 1 && SHELLS.has(program.replace(/\.exe$/i, '')) ? null : command.join(' ');
}

/** `exit 1`, `SIGKILL`, or why the session is gone. */
export function endText(end: SessionEnd | null): string {
  if (!end) return 'ended';
  if (end.reason === 'keeper-lost') return 'its keeper was lost';
  if (end.reason === 'machine-restarted') return 'the machine restarted';
  if (end.signal) return end.signal;
  return end.code === null ? 'ended' : `exit ${end.code}`;
}
