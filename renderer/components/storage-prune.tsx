/** What a prune would remove now, before it is done. */
import { useState } from 'react';
import type { Result } from '#protocol/messages.ts';
import type { PrunedSession, RetentionLimits } from '#protocol/retention.ts';
import { bytesText } from '../text/format.ts';

type Props = { limits: RetentionLimits; planned: Result<'retention.prune'>; prune: () => Promise<void> };

const WHY: Readonly<Record<PrunedSession['reason'], string>> = {
  age: 'ended too long ago',
  total: 'all together take too much',
  'session-budget': 'only its oldest output',
};

export function StoragePrune({ limits, planned: { pruned, freedBytes }, prune }: Props) {
  const [isBusy, setIsBusy] = useState(false);
  const hasLimits = limits.totalBytes !== null || limits.maxAgeMs !== null;
  if (pruned.length === 0) {
    return (
      <p className="storage-plan" role="status">
        {hasLimits ? 'Everything is within the limits.' : 'Without a limit nothing is removed.'} Running and pinned sessions always stay.
      </p>
    );
  }
  const start = async () => {
    setIsBusy(true);
    await prune();
    setIsBusy(false);
  };
  return (
    <section className="storage-plan" aria-label="Beyond the limits">
      <p>Beyond the limits, {bytesText(freedBytes)}: removed once a day, or now, with output and history. The journal says that it was.</p>
      <ul>
        {pruned.map(({ session, name, reason, bytes }) => (
          <li key={session} data-testid="planned">
            <strong>{name}</strong> {bytesText(bytes)}, {WHY[reason]}
          </li>
        ))}
      </ul>
      <button type="button" className="button danger" disabled={isBusy} onClick={() => void start()}>
        {isBusy ? 'Pruning…' : 'Prune now'}
      </button>
    </section>
  );
}
