/** What people point at, over the terminal's lines: in their colour, with their name and what they say about it. */
import { useSyncExternalStore } from 'react';
import type { SessionTerminal } from '../terminal/session-terminal.ts';
import { actorColor } from './actor-mark.tsx';

export function PointedOver({ terminal }: { terminal: SessionTerminal }) {
  const rows = useSyncExternalStore(terminal.pointed.subscribe, () => terminal.pointed.rows);
  const height = terminal.screen.cell?.height;
  if (!height) return null;
  return rows.map(({ by, text, firstRow, rows: count }) => {
    const first = Math.max(0, firstRow);
    const last = Math.min(terminal.terminal.rows, firstRow + count);
    return (
      <div
        key={by.id}
        className="pointed"
        data-testid="pointed"
        role="note"
        aria-label={`${by.name} points at ${count === 1 ? 'a line' : `${count} lines`}${text === null ? '' : `: ${text}`}`}
        style={{ top: first * height, height: (last - first) * height, color: actorColor(by) }}
      >
        <span className="pointed-by" style={{ background: actorColor(by) }}>
          {by.name}
          {text !== null && <span className="pointed-text">{text}</span>}
        </span>
      </div>
    );
  });
}
