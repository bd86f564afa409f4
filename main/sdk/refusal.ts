/** What a refusal of input means to a program. */
import { CmdopError, type ErrorCode } from '#protocol/errors.ts';
import type { Refused } from './attached-session.ts';

export const refusal = ({ reason, message }: Refused): CmdopError => new CmdopError(CODES[reason] ?? 'control-held', message);

const CODES: { readonly [reason in Refused['reason']]?: ErrorCode } = {
  observer: 'observer',
  'session-ended': 'session-ended',
  'agents-paused': 'agents-paused',
  policy: 'policy',
  rejected: 'rejected',
  'secret-prompt': 'secret-prompt',
};
