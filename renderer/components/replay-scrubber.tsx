/** The line of time of a replay: one lane for each actor with the commands it ran, and a hand to move along it. */
import { type PointerEvent, useMemo, useRef } from 'react';
import type { Actor, CommandRecord } from '#protocol/shapes.ts';
import type { ReplayPlayer, ReplayView } from '../replay/replay-player.ts';
import type { ReplayTime } from '../replay/replay-time.ts';
import { commandText } from '../text/format.ts';
import { actorColor } from './actor-mark.tsx';

/** Lanes drawn; who ran least shares the last. */
const MAX_LANES = 6;
/** Commands drawn: beyond it they are thinner than a pixel. */
const MAX_MARKS = 600;

type Lane = { readonly actor: Actor | null; readonly name: string; readonly commands: CommandRecord[] };

export function ReplayScrubber({ player, view }: { player: ReplayPlayer; view: ReplayView }) {
  const { line, commands, time } = view;
  const track = useRef<HTMLDivElement>(null);
  const lanes = useMemo(() => lanesOf(commands), [commands]);
  const marks = useMemo(() => lanes.map((lane) => lane.commands.map((command) => markOf(command, line))), [lanes, line]);
  const seekTo = (event: PointerEvent) => {
    const box = track.current?.getBoundingClientRect();
    if (box && box.width > 0) player.seek(((event.clientX - box.left) / box.width) * line.duration);
  };
  const percent = (part: number) => `${line.duration > 0 ? (part / line.duration) * 100 : 0}%`;
  return (
    <div className="replay-lanes">
      <ul className="replay-names" aria-label="Who ran commands">
        {lanes.map(({ actor, name }) => (
          <li key={name} style={{ color: actorColor(actor) }}>
            <span className="replay-name">{name}</span>
          </li>
        ))}
        {lanes.length === 0 && <li className="dim">no commands</li>}
      </ul>
      <div
        className="replay-track"
        ref={track}
        role="slider"
        tabIndex={0}
        aria-label="Place in the replay"
        aria-valuemin={0}
        aria-valuemax={Math.round(line.duration / 1_000)}
        aria-valuenow={Math.round(time / 1_000)}
        aria-valuetext={`${Math.round(time / 1_000)} of ${Math.round(line.duration / 1_000)} seconds`}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          seekTo(event);
        }}
        onPointerMove={(event) => event.buttons === 1 && seekTo(event)}
      >
        {lanes.map((lane, index) => (
          <div key={lane.name} className="replay-lane">
            {marks[index]?.map(({ id, from, to, title, hasFailed }) => (
              <i
                key={id}
                className={hasFailed ? 'replay-mark failed' : 'replay-mark'}
                title={title}
                style={{ left: percent(from), width: percent(to - from), background: actorColor(lane.actor) }}
              />
            ))}
          </div>
        ))}
        {lanes.length === 0 && <div className="replay-lane" />}
        <i className="replay-hand" style={{ left: percent(time) }} />
      </div>
    </div>
  );
}

function markOf(command: CommandRecord, line: ReplayTime) {
  const from = line.timeOf(command.from);
  const to = command.to === null ? line.duration : line.timeOf(command.to);
  const exit = command.exitCode === null ? '' : ` (exit ${command.exitCode})`;
  return {
    id: command.id,
    from,
    to: Math.max(from, to),
    title: `${command.submitter?.name ?? 'the session'}: ${commandText(command)}${exit}`,
    hasFailed: command.exitCode !== null && command.exitCode !== 0,
  };
}

/** Who ran most first. */
function lanesOf(commands: readonly CommandRecord[]): Lane[] {
  const byName = new Map<string, Lane>();
  for (const command of commands.slice(-MAX_MARKS)) {
    const name = command.submitter?.name ?? 'the session';
    const lane = byName.get(name) ?? { actor: command.submitter, name, commands: [] };
    lane.commands.push(command);
    byName.set(name, lane);
  }
  const lanes = [...byName.values()].sort((a, b) => b.commands.length - a.commands.length);
  if (lanes.length <= MAX_LANES) return lanes;
  const rest = lanes.slice(MAX_LANES - 1).flatMap((lane) => lane.commands);
  return [...lanes.slice(0, MAX_LANES - 1), { actor: null, name: 'others', commands: rest }];
}
