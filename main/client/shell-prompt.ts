/** A session's shell as a client meets it: does it wait at its prompt, and what to type there. Pure. */
import type { Clock } from '#protocol/clock.ts';
import { CmdopError } from '#protocol/errors.ts';
import type { Result } from '#protocol/messages.ts';
import type { CmdopClient } from './cmdop-client.ts';

/** How long a shell that has just started may take to its first prompt, milliseconds. */
const SHELL_START_MS = 5_000;
/** Shells that tell when a command ends, once their start files have run. */
const TELLING_SHELLS = /(^|\/)-?(bash|zsh|fish)$/;
/** How often it is looked at meanwhile, milliseconds. */
const SHELL_LOOK_MS = 50;
/** Marks around a paste, so that a shell takes line breaks in it as text. */
const PASTE = { start: '\x1b[200~', end: '\x1b[201~' };

/** What to do about a session that is no place for a command, for the reader of this interface. */
export type Remedies = { ended: string; busy: string; notTelling: string };

/** The state of a session that waits for a command. Throws `busy`, `no-shell-integration` or `session-ended`. */
export async function atPrompt(
  client: CmdopClient,
  session: string,
  { clock, remedies }: { clock: Clock; remedies: (name: string) => Remedies },
): Promise<Result<'session.inspect'>> {
  const askedAt = clock.now();
  for (;;) {
    const state = await client.request('session.inspect', { session });
    const { name, running, end, createdAt } = state.session;
    const { ended, busy, notTelling } = remedies(name);
    if (end) throw new CmdopError('session-ended', `${name} has ended: ${ended}`);
    if (running !== null) throw new CmdopError('busy', `${name} runs \`${running}\`: ${busy}`);
    if (state.shellIntegration) return state;
    // By its age, and if the clock was set back since it began, by our own wait.
    const isStarting = clock.wallNow() - createdAt < SHELL_START_MS && clock.now() - askedAt < SHELL_START_MS;
    const canCome = isStarting && TELLING_SHELLS.test(state.session.command[0] ?? '');
    if (!canCome) {
      throw new CmdopError('no-shell-integration', `the program in ${name} does not tell when a command ends: ${notTelling}`);
    }
    await new Promise<void>((resolve) => clock.after(SHELL_LOOK_MS, resolve));
  }
}

/** What to type for `line`, with Enter. */
export function typedLine(line: string, isPasteBracketed: boolean): string {
  const isLong = isPasteBracketed && /[\r\n]/.test(line);
  return isLong ? `${pasted(line)}\r` : `${line}\r`;
}

/** `text` as a paste that ends where it ends. */
export function pasted(text: string): string {
  return `${PASTE.start}${text.replaceAll(PASTE.end, '')}${PASTE.end}`;
}
