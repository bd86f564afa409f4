/** An actor wherever it appears: its letters on its colour, round for people, square for agents, never colour alone. */
import type { Actor } from '#protocol/shapes.ts';
import { ACTOR_COLORS } from '#protocol/shapes.ts';
import { initials } from '../text/format.ts';

export const INTERFACE_NAMES: Readonly<Record<Actor['interface'], string>> = {
  desktop: 'desktop',
  cli: 'CLI',
  browser: 'browser',
  ssh: 'SSH',
  mcp: 'MCP',
};

/** The actor's colour as a CSS value, the same everywhere. */
export const actorColor = (actor: Pick<Actor, 'color'> | null): string =>
  actor ? `var(--actor-${actor.color % ACTOR_COLORS})` : 'var(--text-faint)';

export function ActorMark({ actor, size = 'usual' }: { actor: Actor; size?: 'usual' | 'small' }) {
  return (
    <span className={`actor-mark ${size} ${actor.kind}`} style={{ background: actorColor(actor) }} aria-hidden="true">
      {initials(actor.name).slice(0, size === 'small' ? 1 : 2)}
    </span>
  );
}

/** Several actors in little room; the names are the text alternative. */
export function ActorMarks({ actors, label }: { actors: readonly Actor[]; label: string }) {
  const different = [...new Map(actors.map((actor) => [actor.id, actor])).values()];
  if (different.length === 0) return null;
  const shown = different.slice(0, 3);
  return (
    <span
      className="actor-marks"
      role="img"
      aria-label={`${label}: ${different.map(({ name }) => name).join(', ')}`}
      title={different.map(({ name }) => name).join(', ')}
    >
      {shown.map((actor) => (
        <ActorMark key={actor.id} actor={actor} size="small" />
      ))}
      {different.length > shown.length && <span className="actor-more">+{different.length - shown.length}</span>}
    </span>
  );
}
