/** What the requests about approvals and the policy do. */
import type { APPROVAL_METHODS } from '#protocol/approvals.ts';
import { CmdopError } from '#protocol/errors.ts';
import type { Handlers } from './client-connection.ts';

export type ApprovalHandlers = Pick<Handlers, keyof typeof APPROVAL_METHODS>;

export function approvalHandlers(): ApprovalHandlers {
  const absent = () => {
    throw new CmdopError('unknown-method', 'this host asks for no approvals: update cmdop on its machine');
  };
  return {
    'agent.reason': (_connection, _params, answer) => answer({}),
    'agent.ask': absent,
    'approval.list': (_connection, _params, answer) => answer({ approvals: [], askedToday: 0 }),
    'approval.decide': absent,
    'policy.get': absent,
    'policy.set': absent,
  };
}
