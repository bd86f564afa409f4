/**
 * Turns a session's shell marks and accepted input into command records with authors. Pure.
 *
 * With integration the shell's marks say what ran, from where to where, and how it ended; the typed lines say who typed it.
 * Only marks with the session's nonce and a count never seen before count, so that no output can forge or repeat one.
 * Without integration each submitted line is a record, and its text is what the screen shows of it: a password shows nothing.
 * The text of a record never comes from typed bytes (invariant 8).
 */
import type { ActorId, ClientId, Offset, Seq } from '#protocol/ids.ts';
import { parseMark, type ShellMark } from './shell-marks.ts';
import { type ClaimedLine, couldRead, type SubmittedLine, TypedLines, type TypedUnit } from './typed-lines.ts';

export type Moment = { readonly wall: number; readonly monotonic: number };

export type TrackedCommand = {
  /** 1, 2, 3… within the session. */
  readonly number: number;
  readonly text: string;
  /** The user keeps the line out of the shell's history: `text` is WITHHELD_TEXT. */
  readonly withheld: boolean;
  /** Whose keys are in the line; empty when nobody attached typed it. */
  readonly authors: readonly ActorId[];
  readonly submitter: ActorId | null;
  readonly unit: { readonly client: ClientId; readonly seq: Seq } | null;
  readonly cwd: string | null;
  /** Unix time, ms. */
  readonly startedAt: number;
  readonly endedAt: number | null;
  readonly durationMs: number | null;
  readonly exitCode: number | null;
  readonly from: Offset;
  readonly to: Offset | null;
  readonly source: 'shell' | 'line';
};

export type TrackerEvent =
  | { readonly kind: 'started' | 'ended'; readonly record: TrackedCommand }
  | { readonly kind: 'cwd'; readonly cwd: string }
  | { readonly kind: 'prompt'; readonly offset: Offset }
  /** Remember where the cursor is now: a line begins there. Replaces what was remembered before. */
  | { readonly kind: 'note-cursor' }
  /** Once the echo is on the screen, answer with `lineText(line, …)` what stands from the remembered place to the end of its line. */
  | { readonly kind: 'read-line'; readonly line: number };

/** What a tracker needs to go on after the host was replaced; holds no nonce and nothing typed. */
export type TrackerMemory = {
  readonly count: number;
  readonly number: number;
  readonly atPrompt: boolean;
  readonly promptAt: Offset;
  readonly cwd: string | null;
  readonly open: TrackedCommand | null;
  /** Whose keys are in the line that is being typed; absent in what an older host stored. */
  readonly drafted?: readonly ActorId[];
  /** Lines before that one which no command has claimed yet; absent likewise. */
  readonly submitted?: readonly SubmittedLine[];
};

export type TrackerState = {
  readonly atPrompt: boolean;
  /** The command line that runs now, by the shell's report. */
  readonly running: string | null;
  readonly cwd: string | null;
  /** A valid mark was seen. */
  readonly hasIntegration: boolean;
};

export const WITHHELD_TEXT = '(not recorded)';

/** A shell with integration that has shown no mark for so long, ms, has none after all: its profile started something else. */
const INTEGRATION_PATIENCE_MS = 10_000;
/** Screen text asked for and not yet answered, lines. */
const MAX_READS = 16;
/** Longest text taken from the screen, characters. */
const MAX_LINE_CHARACTERS = 4_000;

type AwaitedLine = { readonly line: ClaimedLine; readonly at: Moment };

export class CommandTracker {
  readonly #nonce: string | null;
  readonly #startedAt: Moment;
  readonly #typed: TypedLines;
  readonly #reads = new Map<number, AwaitedLine>();
  #nextRead = 1;
  /** Of the last valid mark. */
  #count: number;
  #number: number;
  #cwd: string | null;
  #atPrompt: boolean;
  #promptAt: Offset;
  #continuations = 0;
  #entered: Extract<ShellMark, { kind: 'command-line' }> | null = null;
  #open: TrackedCommand | null;
  /** Null for a command that an earlier host saw start: then the wall clock must do. */
  #openSince: number | null = null;

  /** `nonce`: null where the session's program has no integration. `now`: the session's start, or the host's. */
  constructor({ nonce, now, cwd = null, memory }: { nonce: string | null; now: Moment; cwd?: string | null; memory?: TrackerMemory }) {
    this.#nonce = nonce;
    this.#startedAt = now;
    this.#count = memory?.count ?? 0;
    this.#number = memory?.number ?? 0;
    this.#cwd = memory?.cwd ?? cwd;
    this.#atPrompt = memory?.atPrompt ?? false;
    this.#promptAt = memory?.promptAt ?? (0 as Offset);
    this.#open = memory?.open ?? null;
    this.#typed = new TypedLines(memory);
  }

  get state(): TrackerState {
    const running = this.#open?.source === 'shell' ? this.#open.text : null;
    return { atPrompt: this.#atPrompt, running, cwd: this.#cwd, hasIntegration: this.#count > 0 };
  }

  /** Who submitted what runs now, by the shell's report. */
  get runningSubmitter(): ActorId | null {
    return this.#open?.source === 'shell' ? this.#open.submitter : null;
  }

  /** Whose keys are in the line that is being typed. */
  get drafted(): readonly ActorId[] {
    return this.#typed.draftAuthors;
  }

  /** To be stored when a record, the prompt or `drafted` changed, and given to the next tracker of this session. */
  get memory(): TrackerMemory {
    const { atPrompt, cwd } = this.state;
    return {
      count: this.#count,
      number: this.#number,
      atPrompt,
      promptAt: this.#promptAt,
      cwd,
      open: this.#open,
      drafted: [...this.drafted],
      submitted: this.#typed.submitted,
    };
  }

  /** An accepted unit, in order, before or after it reached the PTY. */
  input(unit: TypedUnit, now: Moment): TrackerEvent[] {
    const { began, submitted } = this.#typed.take(unit);
    if (this.#count > 0 || (this.#nonce !== null && now.monotonic - this.#startedAt.monotonic < INTEGRATION_PATIENCE_MS)) return [];
    const events: TrackerEvent[] = began ? [{ kind: 'note-cursor' }] : [];
    // Of several lines in one unit only the first one's place is known: they make one record.
    if (submitted) {
      const line = this.#nextRead++;
      this.#reads.set(line, { line: submitted, at: now });
      for (const oldest of this.#reads.keys()) {
        if (this.#reads.size <= MAX_READS) break;
        this.#reads.delete(oldest);
      }
      events.push({ kind: 'read-line', line });
    }
    return events;
  }

  /** A full-screen program ended: the keys it read begin no line. */
  alternateScreenLeft(): void {
    this.#typed.forgetDraft();
  }

  /** What was typed and not read will not be: as after Ctrl-C. */
  unreadDropped(): void {
    this.#typed.interrupt();
  }

  /** A password was typed: no line began or ended with it. */
  secretTyped(): void {
    this.#typed.forgetDraft();
  }

  /** The answer to `read-line`; null where there is none, as in the alternate screen. */
  lineText(line: number, text: string | null): TrackerEvent[] {
    const awaited = this.#reads.get(line);
    this.#reads.delete(line);
    const shown = text?.trim().slice(0, MAX_LINE_CHARACTERS);
    if (!awaited || !shown) return [];
    const { authors, submitter, unit, offset } = awaited.line;
    return [
      ...this.#close({ to: offset, exitCode: null, now: awaited.at }),
      this.#start({ text: shown, withheld: false, authors, submitter, unit, from: offset, source: 'line', now: awaited.at }),
    ];
  }

  /** An OSC sequence in the output, in order; what is no mark of this session's shell changes nothing. */
  mark(osc: { code: number; payload: string; start: Offset; end: Offset }, now: Moment): TrackerEvent[] {
    const parsed = parseMark(osc.code, osc.payload);
    if (!parsed) return [];
    const { mark, key } = parsed;
    if (mark.kind === 'continuation') {
      if (this.#atPrompt) this.#continuations++; // without a key: at worst a line more is credited to who typed it
      return [];
    }
    if (!key || key.nonce !== this.#nonce || key.count <= this.#count) return [];
    const isFirst = this.#count === 0;
    this.#count = key.count;
    const events: TrackerEvent[] = [];
    if (isFirst) {
      this.#reads.clear();
      events.push(...this.#close({ to: osc.start, exitCode: null, now }));
    }
    switch (mark.kind) {
      case 'prompt-start':
        events.push(...this.#close({ to: osc.start, exitCode: null, now }));
        this.#atPrompt = true;
        this.#promptAt = osc.start;
        this.#continuations = 0;
        this.#entered = null;
        this.#typed.prompt();
        events.push({ kind: 'prompt', offset: osc.end });
        break;
      case 'prompt-end':
        break;
      case 'command-line':
        this.#entered = mark;
        break;
      case 'command-start':
        events.push(...this.#close({ to: osc.start, exitCode: null, now }), this.#startByShell(osc, now));
        break;
      case 'command-end':
        this.#atPrompt = false;
        events.push(...this.#close({ to: osc.start, exitCode: mark.exitCode, now }));
        break;
      case 'cwd':
        if (mark.path === this.#cwd) break;
        this.#cwd = mark.path;
        events.push({ kind: 'cwd', cwd: mark.path });
        break;
    }
    return events;
  }

  /** The session's program has ended: so has what ran in it, `exec` and `exit` included. */
  sessionEnded({ offset, exitCode }: { offset: Offset; exitCode: number | null }, now: Moment): TrackerEvent[] {
    this.#atPrompt = false;
    this.#reads.clear();
    const byShell = this.#open?.source === 'shell';
    return this.#close({ to: offset, exitCode: byShell ? exitCode : null, now });
  }

  #startByShell(osc: { start: Offset; end: Offset }, now: Moment): TrackerEvent {
    const entered = this.#entered;
    const text = entered && entered.flag !== 'withheld' ? entered.text : null;
    const line = this.#typed.claim({ promptAt: this.#promptAt, startAt: osc.start, text, continuations: this.#continuations });
    this.#atPrompt = false;
    this.#entered = null;
    this.#continuations = 0;
    // The last line again, or another that the user keeps out of the history? How it was typed tells.
    const isKnown = text !== null && (entered?.flag !== 'unchanged' || (line !== null && couldRead(line, text)));
    return this.#start({
      text: isKnown ? text : WITHHELD_TEXT,
      withheld: !isKnown,
      authors: line?.authors ?? [],
      submitter: line?.submitter ?? null,
      unit: line?.unit ?? null,
      from: osc.end,
      source: 'shell',
      now,
    });
  }

  #start({
    now,
    ...known
  }: Pick<TrackedCommand, 'text' | 'withheld' | 'authors' | 'submitter' | 'unit' | 'from' | 'source'> & { now: Moment }): TrackerEvent {
    this.#number++;
    const running = { endedAt: null, durationMs: null, exitCode: null, to: null };
    this.#open = { number: this.#number, ...known, cwd: this.#cwd, startedAt: now.wall, ...running };
    this.#openSince = now.monotonic;
    return { kind: 'started', record: this.#open };
  }

  #close({ to, exitCode, now }: { to: Offset; exitCode: number | null; now: Moment }): TrackerEvent[] {
    const open = this.#open;
    if (!open) return [];
    const elapsed = this.#openSince === null ? now.wall - open.startedAt : now.monotonic - this.#openSince;
    this.#open = null;
    return [{ kind: 'ended', record: { ...open, to, exitCode, endedAt: now.wall, durationMs: Math.max(0, elapsed) } }];
  }
}
