/** Puts together what a host's agents are judged by: the policy file, the approvals, and the guard of requests. */
import { homeFolder } from '#local/home-folder.ts';
import type { LocalPaths } from '#local/paths.ts';
import type { Approval } from '#protocol/approvals.ts';
import type { Journal } from '../journal/journal.ts';
import type { Records } from '../journal/records.ts';
import type { LiveSession } from '../sessions/live-session.ts';
import { AgentGuard, type GuardedSession } from './agent-guard.ts';
import { Approvals } from './approvals.ts';
import type { PolicyDesk } from './input-judge.ts';
import { PolicyFile } from './policy-file.ts';

export type PolicyDeskOptions = {
  paths: LocalPaths;
  journal: Journal;
  records: Records;
  wallNow: () => number;
  find(reference: string): GuardedSession;
  /** No agent may act, anywhere. */
  isPaused(): boolean;
  policyChanged(): void;
  changed(approval: Approval): void;
};

export function newPolicyDesk(options: PolicyDeskOptions): { desk: PolicyDesk; guard: AgentGuard; policy: PolicyFile } {
  const { paths, journal, records, wallNow, find, isPaused, policyChanged, changed } = options;
  const home = homeFolder();
  const read = () => {
    journal.append({
      session: null,
      actor: null,
      interface: null,
      kind: 'policy',
      outputOffset: null,
      payload: { is: 'read', problem: policy.problem },
    });
    policyChanged();
  };
  const policy: PolicyFile = new PolicyFile({ file: paths.policyFile, home, changed: read });
  const approvals = new Approvals({ journal, records, policy, wallNow, changed });
  const places = [paths.stateDir, paths.configDir, ...(paths.runDir.startsWith('/') ? [paths.runDir] : [])];
  // Until the service of checkpoints has said otherwise (services.ts).
  const desk: PolicyDesk = { rules: () => policy.rules, approvals, protected: { places }, home, isPrepared: () => true };
  return { desk, guard: new AgentGuard({ desk, journal, find, isPaused, home }), policy };
}

export function guardedSession(session: LiveSession): GuardedSession {
  return { id: session.id, name: session.name, folder: session.commands.cwd ?? session.stored.cwd };
}
