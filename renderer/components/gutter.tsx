/** Command bars in the terminal's left margin, in their submitter's colour, and the band over the block that was asked for. */
import { Tooltip } from 'radix-ui';
import { useEffect, useState, useSyncExternalStore } from 'react';
import type { Result } from '#protocol/messages.ts';
import type { Actor, CommandRecord } from '#protocol/shapes.ts';
import { client } from '../state/engines.ts';
import { hostOfKey, idOfKey, type SessionKey } from '../state/session-key.ts';
import type { SessionTerminal } from '../terminal/session-terminal.ts';
import { commandText, durationText, timeText } from '../text/format.ts';
import { actorColor, INTERFACE_NAMES } from './actor-mark.tsx';

/** Room between the bars of two blocks, CSS pixels. */
const SPACE_PX = 2;

export function Gutter({ session, terminal }: { session: SessionKey; terminal: SessionTerminal }) {
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
            aria-label={`${authorsText(command)}: ${commandText(command)}`}
            onClick={() => terminal.blocks.mark(command.id)}
          />
        </Tooltip.Trigger>
        <Tooltip.Portal>
          <Tooltip.Content className="hint block-hint" side="right" align="start" sideOffset={6} collisionPadding={8}>
            <strong>{authorsText(command)}</strong>
            <code>{commandText(command)}</code>
            <span className="dim">
              {timeText(command.startedAt)}, {outcomeText(command)}
            </span>
            <Proof session={session} command={command} />
          </Tooltip.Content>
        </Tooltip.Portal>
      </Tooltip.Root>
    );
  });
}

/** How the submitter is known and who allowed it: asked for when somebody looks. */
function Proof({ session, command }: { session: SessionKey; command: CommandRecord }) {
  const [text, setText] = useState('');
  useEffect(() => {
    let isShown = true;
    client(hostOfKey(session))
      .request('history.at', { session: idOfKey(session), at: { offset: command.from } })
      .then(
        (answer) => isShown && answer.command?.id === command.id && setText(proofText(command, answer)),
        () => {}, // an older host, or a link that broke: the rest of the hint is true without it
      );
    return () => {
      isShown = false;
    };
  }, [session, command]);
  return text === '' ? null : <span className="dim">{text}</span>;
}

/** `over CLI, as the Unix user root; approved by ann` */
function proofText({ submitter }: CommandRecord, { authentication, approval }: Result<'history.at'>): string {
  const from = submitter ? `over ${INTERFACE_NAMES[submitter.interface]}` : '';
  const by = approval?.decidedBy ? `approved by ${approval.decidedBy.name}${approval.edited === null ? '' : ', edited'}` : '';
  return [[from, authentication].filter(Boolean).join(', '), by].filter(Boolean).join('; ');
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
