/** A session's command records: what its tracker finds becomes rows of the history, journal records and events. */
import type { Offset, SessionId } from '#protocol/ids.ts';
import type { TerminalModes } from '#protocol/shapes.ts';
import { CommandTracker, type Moment, type TrackedCommand, type TrackerEvent } from '#session/command-tracker.ts';
import { PromptWatch } from '#session/prompt-watch.ts';
import type { TypedUnit } from '#session/typed-lines.ts';
import type { InputContext } from '../agents/input-context.ts';
import type { StoredCommand } from '../journal/command-records.ts';
import type { Journal } from '../journal/journal.ts';
import type { Records } from '../journal/records.ts';
import type { CommandsNote } from '../journal/stored-shapes.ts';
import type { OscEvent } from '../screen/screen-messages.ts';
import type { Screens } from '../screen/screens.ts';

/** Longest command line kept, characters: a pasted script is not a name for anything. */
const MAX_TEXT_CHARACTERS = 8192;
/** An echo that has not come after this long, milliseconds, does not come: a password. */
const ECHO_MS = 100;

export type CommandEvents = {
  /** A record began or ended. */
  command(command: StoredCommand): void;
};

export type SessionCommandsOptions = {
  session: SessionId;
  nonce: string | null;
  /** Where the session began. */
  cwd: string;
  /** What it was started with, as a command line. */
  program: string;
  /** What the last host left with the keeper. */
  note: CommandsNote | null;
  isRunning: boolean;
  records: Records;
  journal: Journal;
  screens: Screens;
  clock: { now(): number; wallNow(): number };
  outputEnd: () => Offset;
  /** `note` is different now. */
  noted: () => void;
  events: CommandEvents;
};

export class SessionCommands {
  readonly #options: SessionCommandsOptions;
  readonly #tracker: CommandTracker;
  #openId: number | null;
  #reported: () => void = () => {};
  #contextChanged: () => void = () => {};
  #modes: Pick<TerminalModes, 'alternateScreen' | 'bracketedPaste'> = { alternateScreen: false, bracketedPaste: false };
  readonly #prompt: PromptWatch;
  #generation = 0;
  /** Where the cursor stood when the line that is being typed began; for shells without integration. */
  #lineBegin: Promise<{ line: number; col: number } | null> = Promise.resolve(null);

  constructor(options: SessionCommandsOptions) {
    this.#options = options;
    const { note } = options;
    this.#openId = this.#ownId(note?.openId ?? null);
    this.#prompt = new PromptWatch(options.nonce === null || note?.memory.open ? null : this.#now().monotonic);
    this.#tracker = new CommandTracker({
      nonce: options.nonce,
      now: this.#now(),
      cwd: options.cwd,
      ...(note ? { memory: note.memory } : {}),
    });
    // What was typed while no host looked may come first.
    if (note?.memory.atPrompt) this.#prompt.resumed(this.#now().monotonic);
    this.#closeForgotten();
  }

  get cwd(): string | null {
    return this.#tracker.state.cwd;
  }
  /** The command line that runs now, by the shell's own report. */
  get running(): string | null {
    return this.#tracker.state.running;
  }
  get hasIntegration(): boolean {
    return this.#tracker.state.hasIntegration;
  }

  get note(): CommandsNote {
    return { memory: this.#tracker.memory, openId: this.#openId };
  }

  /** Calls `reported` at the shell's first mark, or at the session's end. */
  onceReported(reported: () => void): void {
    this.#reported = reported;
  }

  /** When a program leaves the alternate screen, the keys it read there begin no line. */
  modes({ alternateScreen, bracketedPaste }: TerminalModes): void {
    if (this.#modes.alternateScreen && !alternateScreen) this.#notingDraft(() => this.#tracker.alternateScreenLeft());
    this.#modes = { alternateScreen, bracketedPaste };
    this.#contextChanged();
  }

  /** Told whenever `context` may be different. */
  onContext(changed: () => void): void {
    this.#contextChanged = changed;
  }

  /** What reads input now. `isCanonical`: the terminal gives its program whole lines; null where that is not known. */
  context(isCanonical: () => boolean | null): InputContext {
    const { running, cwd, hasIntegration } = this.#tracker.state;
    const state = this.#prompt.state(this.#options.clock.now());
    const drafted = this.#tracker.drafted;
    const submitter = this.#tracker.runningSubmitter;
    return {
      ...state,
      ...this.#modes,
      generation: this.#generation,
      folder: cwd ?? this.#options.cwd,
      program: running ?? (hasIntegration ? null : this.#options.program),
      drafted,
      readsLines: state.is !== 'program' || (!this.#modes.alternateScreen && (isCanonical() ?? false)),
      isOwn: (actor) => (this.#prompt.isEditing ? drafted.every((author) => author === actor) : submitter === actor),
    };
  }

  /** See AcceptedUnit. */
  input(unit: Omit<TypedUnit, 'offset'> & { offset?: Offset }): void {
    this.#prompt.input(unit.bytes, this.#options.clock.now());
    this.#notingDraft(() => this.#perform(this.#tracker.input({ offset: this.#options.outputEnd(), ...unit }, this.#now())));
  }

  /** A unit that answered a password prompt: nothing of it is kept, not even its fingerprint. */
  secretTyped(): void {
    this.#notingDraft(() => this.#tracker.secretTyped());
  }

  /** What was typed ahead will not be read. */
  unreadDropped(): void {
    this.#prompt.dropped(this.#options.clock.now());
    this.#notingDraft(() => this.#tracker.unreadDropped());
    this.#contextChanged();
  }

  /** The shell was at its prompt, and has not said since what became of the line. */
  get isPromptOwed(): boolean {
    return this.#prompt.isOwed;
  }

  /** True if the summary is different now. */
  osc(osc: OscEvent): boolean {
    const hadIntegration = this.hasIntegration;
    const isNews = this.#perform(this.#tracker.mark(osc, this.#now()));
    if (this.hasIntegration && !hadIntegration) this.#reported();
    return isNews;
  }

  sessionEnded(exitCode: number | null): void {
    this.#reported();
    this.#perform(this.#tracker.sessionEnded({ offset: this.#options.outputEnd(), exitCode }, this.#now()));
  }

  /** A host that is killed while a line is typed must not cost an author: about two notes a line, at its first key and its end. */
  #notingDraft(work: () => void): void {
    const before = this.#tracker.drafted.length;
    work();
    if (this.#tracker.drafted.length !== before) this.#options.noted();
  }

  #perform(events: TrackerEvent[]): boolean {
    for (const event of events) {
      if (event.kind !== 'note-cursor' && event.kind !== 'read-line') this.#generation++;
      switch (event.kind) {
        case 'started':
          if (event.record.source === 'shell') this.#prompt.started(this.#options.clock.now());
          this.#openId = this.#options.records.commands.newId();
          this.#store(event.record, this.#openId, 'started');
          break;
        case 'ended':
          if (event.record.source === 'shell') this.#prompt.ended(this.#options.clock.now());
          if (this.#openId !== null) this.#store(event.record, this.#openId, 'ended');
          this.#openId = null;
          break;
        case 'note-cursor':
          this.#lineBegin = this.#options.screens.cursor(this.#options.session).then(
            ({ alternateScreen, line, col }) => (alternateScreen ? null : { line, col }),
            () => null, // the session ends
          );
          break;
        case 'read-line':
          void this.#readLine(event.line);
          break;
        case 'prompt':
          this.#prompt.prompt(this.#options.clock.now());
          break;
        case 'cwd':
          break; // in the tracker's state
      }
    }
    if (events.length === 0) return false;
    this.#options.noted();
    this.#contextChanged();
    return true;
  }

  /** What the screen shows of a line, once its echo is there. */
  async #readLine(line: number): Promise<void> {
    const begin = await this.#lineBegin;
    const text = begin && (await this.#shownText(begin));
    this.#perform(this.#tracker.lineText(line, text));
  }

  async #shownText({ line, col }: { line: number; col: number }): Promise<string | null> {
    const { screens, session } = this.#options;
    await new Promise((resolve) => setTimeout(resolve, ECHO_MS));
    return screens.lineText(session, line, col).catch(() => null); // the session has ended
  }

  #store(record: TrackedCommand, id: number, is: 'started' | 'ended'): void {
    const { session, journal, records, events } = this.#options;
    const { authors, submitter, unit, startedAt, endedAt, durationMs, exitCode, from, to, source } = record;
    const text = record.text.slice(0, MAX_TEXT_CHARACTERS);
    const cwd = record.cwd ?? this.#options.cwd;
    const command: StoredCommand = {
      id,
      session,
      text,
      authors: [...authors],
      submitter,
      unit,
      cwd,
      startedAt,
      endedAt,
      durationMs,
      exitCode,
      from,
      to,
      source,
    };
    const actor = submitter === null ? null : records.actor(submitter);
    const payload = is === 'started' ? { is, command: id, text, authors, cwd, source } : { is, command: id, exitCode, durationMs };
    journal.append({ session, actor: submitter, interface: actor?.interface ?? null, kind: 'command', outputOffset: to ?? from, payload });
    records.commands.save(command);
    events.command(command);
  }

  /** The record of what runs, as the last host left it; where that could not keep it, its number is another's by now. */
  #ownId(id: number | null): number | null {
    const { records, session } = this.#options;
    return id === null || records.commands.isOf(session, id) ? id : records.commands.newId();
  }

  /** What ran has ended while no host looked, or none that could record it: how is not known. */
  #closeForgotten(): void {
    const { records, session, isRunning, outputEnd } = this.#options;
    for (const command of records.commands.open(session)) {
      if (isRunning && command.id === this.#openId) continue;
      records.commands.save({ ...command, endedAt: command.startedAt, to: outputEnd() });
    }
  }

  #now(): Moment {
    return { wall: this.#options.clock.wallNow(), monotonic: this.#options.clock.now() };
  }
}
