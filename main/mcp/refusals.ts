/** What a refusal of input means to an agent: what became of it, and what to do instead. */
import { CmdopError } from '#protocol/errors.ts';
import type { Refused } from '../sdk/attached-session.ts';

export function agentRefusal({ reason, message }: Refused): CmdopError {
  return new CmdopError(CODES[reason] ?? 'control-held', `${message}. ${ADVICE[reason] ?? NO_CONTROL}`);
}

const NO_CONTROL =
  'Nothing of it was typed. A person goes first: call control_request with a reason, or wait_for idle and look at the screen before you try again; do not repeat it in a loop';

type RefusalCodes = { [reason: string]: CmdopError['code'] };
const CODES: RefusalCodes = {
  observer: 'observer',
  'session-ended': 'session-ended',
  'agents-paused': 'agents-paused',
  policy: 'unauthorized',
  rejected: 'rejected',
  'secret-prompt': 'unauthorized',
};
const ADVICE: { [reason: string]: string } = {
  observer: 'You can read this session only; ask_human for another role',
  'session-ended': 'Make another session with session_create',
  'agents-paused': 'A person has stopped all agents: do nothing until they resume you, and do not look for a way around it',
  policy: 'A rule forbids it: do not try it in another form; ask_human if the task cannot be done without it',
  rejected: 'A person said no: follow their reason, and do not try the same in another form',
  'secret-prompt': 'The program reads a password: ask_human to type it there, and wait_for prompt',
};
