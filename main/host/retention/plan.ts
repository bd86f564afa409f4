/** Decides what is beyond the limits and must go. Running and pinned sessions never do. */
import type { KeptSession, PrunedSession, RetentionLimits } from '#protocol/retention.ts';

export type Kept = KeptSession & {
  /** Files of its output that lie beyond the budget of a session, bytes. */
  excessBytes: number;
};

/** In the order in which it goes: what is too old, what is too much in all (who ended first), then the oldest of too long outputs. */
export function planPruning(sessions: readonly Kept[], limits: RetentionLimits, now: number): PrunedSession[] {
  const planned = new Map<string, PrunedSession>();
  const plan = (kept: Kept, reason: PrunedSession['reason'], bytes: number) => {
    const { session, name, commands } = kept;
    planned.set(session, { session, name, reason, bytes, commands: reason === 'session-budget' ? 0 : commands });
  };
  const removable = sessions
    .filter(({ state, isPinned }) => state !== 'running' && !isPinned)
    .sort((a, b) => (a.endedAt ?? a.createdAt) - (b.endedAt ?? b.createdAt));
  for (const kept of removable) {
    const age = now - (kept.endedAt ?? kept.createdAt);
    if (limits.maxAgeMs !== null && age > limits.maxAgeMs) plan(kept, 'age', kept.bytes);
  }
  for (const kept of sessions) if (!planned.has(kept.session) && kept.excessBytes > 0) plan(kept, 'session-budget', kept.excessBytes);
  if (limits.totalBytes !== null) {
    let left = sessions.reduce((sum, { bytes }) => sum + bytes, 0) - sum([...planned.values()]);
    for (const kept of removable) {
      const already = planned.get(kept.session);
      if (left <= limits.totalBytes) break;
      // What has no files makes no room.
      if (kept.bytes === 0 || already?.reason === 'age') continue;
      left -= kept.bytes - (already?.bytes ?? 0);
      plan(kept, 'total', kept.bytes);
    }
  }
  const order = { age: 0, total: 1, 'session-budget': 2 };
  return [...planned.values()].sort((a, b) => order[a.reason] - order[b.reason]);
}

const sum = (pruned: readonly PrunedSession[]) => pruned.reduce((total, { bytes }) => total + bytes, 0);
