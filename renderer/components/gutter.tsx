/** Command bars in the terminal's left margin, in their submitter's colour, and the band over the block that was asked for. */
import { Tooltip } from 'radix-ui';
import { useSyncExternalStore } from 'react';
import type { Actor, CommandRecord } from '#protocol/shapes.ts';
import type { SessionTerminal } from '../terminal/session-terminal.ts';
import { durationText, timeText } from '../text/format.ts';
import { actorColor } from './actor-mark.tsx';

/** Room between the bars of two blocks, CSS pixels. */
const SPACE_PX = 2;

export function Gutter({ terminal }: { terminal: SessionTerminal }) {
  const bars = useSyncExternalStore(terminal.blocks.subscribe, () => terminal.blocks.bars);
  const height = terminal.screen.cell?.height;
  if (!height) return null;
  return bars.map(({ command, firstRow, rows }) => {
    const first = Math.max(0, firstRow);
    const last = Math.min(terminal.terminal.rows, firstRow + rows);
    return (
      <Tooltip.Root key={command.id} delayDuration={100}>
        <Tooltip.Trigger asChild>
          <button
            type="button"
            tabIndex={-1}
            className={`bar${command.to === null ? ' running' : ''}`}
            style={{ top: first * height + SPACE_PX, height: (last - first) * height - 2 * SPACE_PX, color: actorColor(command.submitter) }}
            aria-label={`${authorsText(command)}: ${command.text}`}
            onClick={() => terminal.blocks.mark(command.id)}
          />
        </Tooltip.Trigger>
        <Tooltip.Portal>
          <Tooltip.Content className="hint block-hint" side="right" align="start" sideOffset={6} collisionPadding={8}>
            <strong>{authorsText(command)}</strong>
            <code>{command.text}</code>
            <span className="dim">
              {timeText(command.startedAt)}, {outcomeText(command)}
            </span>
          </Tooltip.Content>
        </Tooltip.Portal>
      </Tooltip.Root>
    );
  });
}

export function MarkedBlock({ terminal }: { terminal: SessionTerminal }) {
  const bars = useSyncExternalStore(terminal.blocks.subscribe, () => terminal.blocks.bars);
  const marked = useSyncExternalStore(terminal.blocks.subscribe, () => terminal.blocks.marked);
  const bar = bars.find(({ command }) => command.id === marked);
  const height = terminal.screen.cell?.height;
  if (!bar || !height) return null;
  const first = Math.max(0, bar.firstRow);
  const last = Math.min(terminal.terminal.rows, bar.firstRow + bar.rows);
  return (
    <div
      className="marked-block"
      style={{ top: first * height, height: (last - first) * height, color: actorColor(bar.command.submitter) }}
    />
  );
}

/** `Ann`; `Ann with Bob`, who pressed Enter first; `Bob, submitted by Ann` who typed none of it; or that the host does not know. */
export function authorsText({ authors, submitter }: CommandRecord): string {
  if (authors.length === 0) return submitter?.name ?? 'author unknown';
  const names = (actors: readonly Actor[]) => actors.map(({ name }) => name).join(', ');
  if (!submitter) return names(authors);
  const others = authors.filter(({ id }) => id !== submitter.id);
  if (others.length === authors.length) return `${names(authors)}, submitted by ${submitter.name}`;
  return others.length === 0 ? submitter.name : `${submitter.name} with ${names(others)}`;
}

export function outcomeText({ endedAt, exitCode, durationMs }: CommandRecord): string {
  if (endedAt === null) return 'running';
  const exit = exitCode === null ? 'ended' : `exit ${exitCode}`;
  return durationMs === null ? exit : `${exit} after ${durationText(durationMs)}`;
}
