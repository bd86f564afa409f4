/** What the host and its screen worker tell each other, and what both mean by a snapshot. Types only. */
import type { Offset, SessionId } from '#protocol/ids.ts';
import type { ScreenText, Size, TerminalModes } from '#protocol/shapes.ts';

/** `text` written into a reset terminal of `size` makes the screen that all bytes before `offset` made. */
export type Snapshot = {
  readonly offset: Offset;
  readonly size: Size;
  readonly text: Uint8Array<ArrayBuffer>;
  /** Absolute line number of the top of the screen; lines scrolled away since the session's start lie above. */
  readonly line: number;
  /** Lines of scrollback that `text` holds above the screen. */
  readonly scrollback: number;
};

export type CursorPosition = {
  /** Within the screen, from 0; `col` may be one behind the last column, when the next character wraps. */
  readonly row: number;
  readonly col: number;
  /** Absolute line number, as in `Snapshot.line`. */
  readonly line: number;
  readonly offset: Offset;
  readonly alternateScreen: boolean;
};

/** Colours as `#rrggbb`: what the terminal answers when a program asks. */
export type ScreenColors = {
  readonly foreground: string;
  readonly background: string;
  readonly cursor: string;
  /** The first 16 of the palette, or fewer: the rest is xterm's. */
  readonly palette?: readonly string[];
};

/** An OSC sequence of the session, in stream order, with where the cursor was when it came. */
export type OscEvent = {
  readonly code: number;
  readonly payload: string;
  readonly start: Offset;
  readonly end: Offset;
  /** Absolute line number of the cursor. */
  readonly line: number;
  /** Row and column of the cursor on the screen. */
  readonly row: number;
  readonly col: number;
};

/** What happened on a screen, in stream order. */
export type ScreenEvent =
  | { kind: 'reply'; bytes: Uint8Array }
  | { kind: 'osc'; osc: OscEvent }
  | { kind: 'title'; title: string }
  | { kind: 'bell' }
  | { kind: 'checkpoint'; snapshot: Snapshot }
  | { kind: 'modes'; modes: TerminalModes }
  /** A bug of the terminal: some of the output was not parsed. */
  | { kind: 'fault'; message: string };

export type ScreenQuery =
  | { kind: 'snapshot'; scrollback: number }
  | { kind: 'read' }
  | { kind: 'cursor' }
  | { kind: 'lineText'; line: number; fromCol: number }
  | { kind: 'linesText'; from: number; to: number };

export type ScreenAnswers = {
  snapshot: Snapshot;
  read: ScreenText;
  cursor: CursorPosition;
  lineText: string | null;
  linesText: string[];
};

/** One step of a session's screen; steps of one session are taken in order. */
export type ScreenStep =
  | { kind: 'open'; session: SessionId; offset: Offset; size: Size; snapshot: Uint8Array | null; colors: ScreenColors }
  | { kind: 'bytes'; session: SessionId; offset: Offset; bytes: Uint8Array }
  | { kind: 'resize'; session: SessionId; offset: Offset; size: Size }
  | { kind: 'colors'; session: SessionId; colors: ScreenColors }
  | { kind: 'query'; session: SessionId; id: number; query: ScreenQuery }
  | { kind: 'close'; session: SessionId };

/** Host → worker. */
export type ToWorker = { readonly steps: readonly ScreenStep[] };

/** Worker → host. */
export type FromWorker =
  | {
      kind: 'progress';
      session: SessionId;
      /** Bytes taken since the last message. */
      taken: number;
      /** Ground offset: the screen is what all bytes before it made. */
      offset: Offset;
      events: ScreenEvent[];
    }
  | { kind: 'answer'; id: number; answer: ScreenAnswers[keyof ScreenAnswers] }
  | { kind: 'failed'; id: number; message: string }
  /** The session's terminal broke and was given up. */
  | { kind: 'lost'; session: SessionId; message: string };
