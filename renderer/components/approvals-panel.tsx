/** Everything that waits for a person, on every host, the rule that would spare the next questions, and what was decided. */
import { SlidersHorizontal } from 'lucide-react';
import { isPending } from '../state/approvals.ts';
import { app, type HostView, useApp } from '../state/store.ts';
import { askedTodayText, decisionText, groupApprovals } from '../text/approval-text.ts';
import { timeText } from '../text/format.ts';
import { hostTitle } from '../text/host-state.ts';
import { ActorMark } from './actor-mark.tsx';
import { ApprovalCard } from './approval-card.tsx';
import { IconButton } from './icon-button.tsx';
import { PanelHead } from './panel-head.tsx';

/** Of each host. */
const DECIDED_SHOWN = 15;

export function ApprovalsPanel() {
  const hosts = useApp((state) => state.hosts);
  const isEmpty = !hosts.some(({ approvals }) => approvals.some(isPending));
  return (
    <aside className="panel" aria-label="Approvals" data-region="panel">
      <PanelHead title="Approvals" panel="approvals">
        <IconButton
          label="Policy"
          hint="What agents may do"
          data-region-focus
          onClick={() => app.set(({ preferences }) => ({ dialog: { is: 'policy', host: hostOf(hosts, preferences.activeTab) } }))}
        >
          <SlidersHorizontal size={14} />
        </IconButton>
      </PanelHead>
      <div className="panel-list approvals">
        {isEmpty && <p className="nothing">Nothing waits. What an agent asks for appears here and over its terminal.</p>}
        {hosts.map((host) => (
          <Waiting key={host.name} host={host} hasTitle={hosts.length > 1} />
        ))}
        {hosts.map((host) => (
          <Decided key={host.name} host={host} />
        ))}
      </div>
      <p className="panel-foot dim" data-testid="asked-today">
        {askedTodayText(hosts.reduce((sum, { askedToday }) => sum + askedToday, 0))}
      </p>
    </aside>
  );
}

function hostOf(hosts: readonly HostView[], activeTab: string | null): string {
  return hosts.find(({ sessions }) => sessions?.some(({ key }) => key === activeTab))?.name ?? hosts[0]?.name ?? '';
}

function Waiting({ host, hasTitle }: { host: HostView; hasTitle: boolean }) {
  const groups = groupApprovals(host.approvals.filter(isPending));
  const { ruleOffer } = host;
  return (
    <>
      {hasTitle && groups.length > 0 && <h3 className="list-title">{hostTitle(host.name)}</h3>}
      {groups.map((group) => (
        <ApprovalCard key={group[0].id} host={host.name} group={group} place="panel" />
      ))}
      {ruleOffer && (
        <div className="rule-offer" data-testid="rule-offer">
          <p>This rule would have covered the last {ruleOffer.covers}:</p>
          <pre className="shown-text rule">{ruleOffer.rule}</pre>
          <button
            type="button"
            className="button small"
            onClick={() => app.set({ dialog: { is: 'policy', host: host.name, rule: ruleOffer.rule } })}
          >
            Add to the policy…
          </button>
        </div>
      )}
    </>
  );
}

function Decided({ host }: { host: HostView }) {
  const decided = host.approvals.filter((approval) => !isPending(approval)).slice(-DECIDED_SHOWN);
  if (decided.length === 0) return null;
  return (
    <>
      <h3 className="list-title">Decided</h3>
      <ul>
        {decided.toReversed().map((approval) => (
          <li key={approval.id} className={`decided ${approval.state}`} data-testid="decided" title={approval.shown}>
            <ActorMark actor={approval.actor} size="small" />
            <span className="decided-text">
              <code>{approval.shown}</code>
              <span className="dim">
                {decisionText(approval)}
                {approval.decidedAt !== null && `, ${timeText(approval.decidedAt)}`}
              </span>
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}
