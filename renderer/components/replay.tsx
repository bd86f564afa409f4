/** The replay of a session, over its terminal: its past as it went by, plainly not the session itself. */
import { Pause, Play, X } from 'lucide-react';
import { type KeyboardEvent, useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { ReplayPlayer, type ReplayView, SPEEDS } from '../replay/replay-player.ts';
import { client } from '../state/engines.ts';
import { closeReplay, progressListeners } from '../state/replaying.ts';
import { hostOfKey, idOfKey } from '../state/session-key.ts';
import { app, findSession, useApp } from '../state/store.ts';
import { commandText, timeText } from '../text/format.ts';
import { IconButton } from './icon-button.tsx';
import { ReplayScrubber } from './replay-scrubber.tsx';

/** What the arrow keys go by, milliseconds on the line; with Shift. */
const STEP_MS = { short: 5_000, long: 30_000 };
/** Smallest text that a session wider than the window is drawn in, CSS pixels. */
const SMALLEST_FONT = 5;

export function Replay() {
  const replay = useApp((state) => state.replay);
  const activeTab = useApp((state) => state.preferences.activeTab);
  if (!replay || replay.session !== activeTab) return null;
  return <Player key={`${replay.session} ${replay.opened}`} session={replay.session} at={replay.at} />;
}

function Player({ session, at }: { session: NonNullable<ReturnType<typeof app.get>['replay']>['session']; at: number | null }) {
  const frame = useRef<HTMLDivElement>(null);
  const host = useRef<HTMLDivElement>(null);
  const section = useRef<HTMLElement>(null);
  const [player, setPlayer] = useState<ReplayPlayer | null>(null);
  const name = useApp((state) => findSession(state, session)?.name ?? '');
  const scheme = useApp((state) => state.scheme);
  const fontSize = useApp((state) => state.preferences.fontSize);
  useEffect(() => player?.setAppearance({ scheme, fontSize }), [player, scheme, fontSize]);

  useEffect(() => {
    if (!frame.current || !host.current) return;
    const { preferences, ...shown } = app.get();
    const appearance = { scheme: shown.scheme, fontSize: preferences.fontSize };
    const opened = new ReplayPlayer({ client: client(hostOfKey(session)), session: idOfKey(session), appearance });
    opened.terminal.open(host.current);
    host.current.cmdopTerminal = opened.terminal;
    const fit = () => fitInto(frame.current, opened, app.get().preferences.fontSize);
    const observer = new ResizeObserver(fit);
    observer.observe(frame.current);
    opened.terminal.onResize(fit);
    const progressed: Parameters<typeof progressListeners.add>[0] = (from, progress) => {
      if (from === hostOfKey(session) && progress.session === idOfKey(session)) opened.progressed(progress);
    };
    progressListeners.add(progressed);
    setPlayer(opened);
    void opened.open(at);
    section.current?.focus();
    return () => {
      observer.disconnect();
      progressListeners.delete(progressed);
      opened.dispose();
    };
  }, [session, at]);

  return (
    <section
      className="replay"
      ref={section}
      tabIndex={-1}
      aria-label={`Replay of ${name}`}
      data-testid="replay"
      onKeyDownCapture={(event) => player && pressed(event, player)}
    >
      <div className="replay-head">
        <strong>Replay</strong>
        <span className="dim">of {name}: what was printed, not the session. Nothing you type reaches it.</span>
        <span className="spring" />
        <IconButton label="Close the replay" hint="Close the replay (Esc)" onClick={closeReplay}>
          <X size={15} />
        </IconButton>
      </div>
      <div className="replay-frame" ref={frame}>
        <div className="replay-terminal" ref={host} data-testid="replay-terminal" />
      </div>
      {player && <Controls player={player} />}
    </section>
  );
}

function Controls({ player }: { player: ReplayPlayer }) {
  const view = useSyncExternalStore(player.subscribe, () => player.view);
  if (view.state === 'loading') return <Note text="Asking the host when what was printed…" />;
  if (view.state === 'empty') return <Note text="Nothing has been printed here yet, or nothing of it is kept." />;
  if (view.state === 'failed') return <Note text={view.message ?? 'The replay failed.'} isAlert />;
  return (
    <div className="replay-controls" data-state={view.isSeeking ? 'seeking' : view.isPlaying ? 'playing' : 'paused'}>
      <ReplayScrubber player={player} view={view} />
      <div className="replay-buttons">
        <IconButton
          label={view.isPlaying ? 'Pause' : 'Play'}
          hint={view.isPlaying ? 'Pause (Space)' : 'Play (Space)'}
          className="replay-play"
          onClick={() => player.toggle()}
        >
          {view.isPlaying ? <Pause size={16} /> : <Play size={16} />}
        </IconButton>
        <output className="replay-time" data-testid="replay-time">
          {clockText(view.time)} / {clockText(view.line.duration)}
        </output>
        <Moment view={view} />
        <span className="spring" />
        {!view.isExact && <output className="dim">{guessText(view)}</output>}
        {view.isPlain && <span className="dim">Without colours: this screen is too large for them.</span>}
        {!view.isRecorded && <span className="dim">Times are rough: an older host kept none.</span>}
        <label className="check">
          <input type="checkbox" checked={view.isIdleSkipped} onChange={(event) => player.skipIdle(event.target.checked)} />
          Skip idle
        </label>
        <fieldset className="segments" aria-label="Speed">
          {SPEEDS.map((speed) => (
            <button key={speed} type="button" aria-pressed={view.speed === speed} onClick={() => player.setSpeed(speed)}>
              {speed === 0.5 ? '½' : speed}×
            </button>
          ))}
        </fieldset>
      </div>
    </div>
  );
}

const guessText = ({ prepared }: ReplayView) =>
  prepared === null ? 'Drawn from what is left of the output.' : `A guess, until its screens are made: ${Math.floor(prepared * 100)} %`;

/** When it was, and whose command printed it. */
function Moment({ view: { line, time, commands } }: { view: ReplayView }) {
  const moment = line.momentAt(time);
  const offset = line.offsetAt(time);
  const command = commands.findLast(({ from, to }) => from < offset && (to === null || offset <= to));
  return (
    <span className="replay-moment dim">
      {moment !== null && timeText(moment)}
      {command && ` · ${command.submitter?.name ?? 'the session'}: ${commandText(command)}`}
    </span>
  );
}

function Note({ text, isAlert = false }: { text: string; isAlert?: boolean }) {
  return (
    <p className="replay-note" role={isAlert ? 'alert' : 'status'}>
      {text}
    </p>
  );
}

function pressed(event: KeyboardEvent, player: ReplayPlayer): void {
  const isButton = event.target instanceof HTMLElement && event.target.closest('button, input') !== null;
  if (event.ctrlKey || event.metaKey || event.altKey || (isButton && (event.key === ' ' || event.key === 'Enter'))) return;
  const { time, line, speed } = player.view;
  const by = event.shiftKey ? STEP_MS.long : STEP_MS.short;
  const at = SPEEDS.indexOf(speed);
  const actions: Record<string, () => void> = {
    ' ': () => player.toggle(),
    ArrowLeft: () => player.seek(time - by),
    ArrowRight: () => player.seek(time + by),
    ArrowUp: () => player.setSpeed(SPEEDS[Math.min(at + 1, SPEEDS.length - 1)] ?? 1),
    ArrowDown: () => player.setSpeed(SPEEDS[Math.max(at - 1, 0)] ?? 1),
    '.': () => player.step(1),
    ',': () => player.step(-1),
    ']': () => player.stepCommand(1),
    '[': () => player.stepCommand(-1),
    Home: () => player.seek(0),
    End: () => player.seek(line.duration),
    Escape: closeReplay,
  };
  const action = actions[event.key];
  if (!action) return;
  event.preventDefault();
  event.stopPropagation();
  action();
}

/** Text as large as usual, or smaller where the session was wider than the window. */
function fitInto(frame: HTMLElement | null, { terminal }: ReplayPlayer, fontSize: number): void {
  const screen = terminal.element?.querySelector('.xterm-screen')?.getBoundingClientRect();
  if (!frame || !screen || screen.width === 0) return;
  const now = Number(terminal.options.fontSize ?? fontSize);
  const share = Math.min((frame.clientWidth - 24) / (screen.width / now), (frame.clientHeight - 16) / (screen.height / now));
  const wanted = Math.max(SMALLEST_FONT, Math.min(fontSize, Math.floor(share * 2) / 2));
  if (wanted !== now) terminal.options.fontSize = wanted;
}

/** `1:02:03`, `2:03`. */
function clockText(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1_000);
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60];
  const two = (number: number) => String(number).padStart(2, '0');
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}
