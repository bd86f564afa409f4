/**
 * Who typed which line: cuts accepted input at Enter and keeps, per line, its authors and its submitter until a command
 * claims it. Pure. What was typed is not kept (invariant 8), only marks of how: a fingerprint of a line typed straight
 * through, to tell it among others, and whether a blank may stand in front.
 */
import type { ActorId, ClientId, Offset, Seq } from '#protocol/ids.ts';

/** An input unit that was accepted, with the offset at which the output ended then. */
export type TypedUnit = {
  readonly actor: ActorId;
  readonly client: ClientId;
  readonly seq: Seq;
  readonly bytes: Uint8Array;
  readonly offset: Offset;
};

/** How a line, or its last part, came about. */
export type Typing = {
  /** Whose keys are in it, in order of their first; without the Enter. */
  readonly authors: readonly ActorId[];
  /** Of the text without blanks around it; null if keys other than characters made it (history, completion, editing). */
  readonly fingerprint: number | null;
  /** The line may begin with a blank. */
  readonly mayHide: boolean;
};

type TypedLine = {
  readonly whole: Typing;
  /** What was typed after the last prompt: keys before it may have been read by a program. */
  readonly afterPrompt: Typing;
  readonly submitter: ActorId;
  /** The unit with the Enter. */
  readonly unit: { readonly client: ClientId; readonly seq: Seq };
  /** Where the output ended at the Enter. */
  readonly offset: Offset;
  /** Ctrl-C came after it, so that it was perhaps never read. */
  isInterrupted: boolean;
  /** An earlier host saw it, and this one not. */
  readonly isTold: boolean;
};

/** A line that no command has claimed yet, for the next host: who typed it and when, and nothing of what was typed. */
export type SubmittedLine = Pick<TypedLine, 'submitter' | 'unit' | 'offset' | 'isInterrupted'> & Pick<Typing, 'authors' | 'mayHide'>;

/** A command's line, or a line of its own where no command tells. */
export type ClaimedLine = Typing & Pick<TypedLine, 'submitter' | 'unit' | 'offset'>;

/** Lines held for a command that may never claim them (a program read them), per session. */
const MAX_LINES = 512;
/** Of them, what the next host is told: what people type ahead. */
const MAX_TOLD_LINES = 16;

export class TypedLines {
  readonly #lines: TypedLine[] = [];
  #draft = new Draft();
  /** Lines of a bracketed paste: typed, not yet submitted. */
  #pasted: Draft[] = [];
  #isPasting = false;

  /** What an earlier host saw: whose keys are already in the line, and the lines before it. */
  constructor({ drafted = [], submitted = [] }: { drafted?: readonly ActorId[]; submitted?: readonly SubmittedLine[] } = {}) {
    for (const actor of drafted) this.#draft.key(actor);
    for (const { authors, mayHide, ...line } of submitted) {
      const typing = { authors, mayHide, fingerprint: null };
      this.#lines.push({ whole: typing, afterPrompt: typing, ...line, isTold: true });
    }
  }

  /** The last lines that no command has claimed. */
  get submitted(): SubmittedLine[] {
    return this.#lines.slice(-MAX_TOLD_LINES).map(({ whole, afterPrompt, submitter, unit, offset, isInterrupted }) => {
      const { authors, mayHide } = afterPrompt.authors.length > 0 ? afterPrompt : whole;
      return { authors, mayHide, submitter, unit, offset, isInterrupted };
    });
  }

  /** Whose keys are in the line that is being typed, in order of their first. */
  get draftAuthors(): readonly ActorId[] {
    return this.#draft.whole.authors;
  }

  /** Takes the next unit; answers whether it began a line, and the first line it submitted, if any (Enter alone is none). */
  take(unit: TypedUnit): { began: boolean; submitted: ClaimedLine | null } {
    const { bytes, actor } = unit;
    let began = false;
    let submitted: ClaimedLine | null = null;
    for (let at = 0; at < bytes.length; ) {
      const byte = bytes[at] ?? 0;
      if (byte === ESC) {
        const sequence = escapeSequence(bytes, at);
        at += sequence.length;
        if (sequence.kind === 'paste-start') this.#isPasting = true;
        else if (sequence.kind === 'paste-end') this.#isPasting = false;
        else if (sequence.kind === 'key') {
          began ||= this.#draft.isBare;
          this.#draft.key(actor);
        }
        continue;
      }
      at++;
      if (byte === CR || byte === LF) {
        if (this.#isPasting) this.#pasted.push(this.#draft);
        else submitted = this.#submit(unit) ?? submitted;
        this.#draft = new Draft();
      } else if (byte === CTRL_C && !this.#isPasting) {
        this.interrupt();
      } else {
        began ||= this.#draft.isBare;
        this.#draft.character(actor, byte, this.#isPasting);
      }
    }
    return { began, submitted };
  }

  /** A prompt was printed: what is typed from here on is surely for it. */
  prompt(): void {
    this.#draft.prompt();
  }

  /** What was typed was perhaps never read. */
  interrupt(): void {
    this.forgetDraft();
    for (const line of this.#lines) line.isInterrupted = true;
  }

  /** What was typed since the last Enter went elsewhere. */
  forgetDraft(): void {
    this.#draft = new Draft();
    this.#pasted = [];
  }

  /**
   * Takes out the line of the command whose start stands at `startAt`, after the prompt at `promptAt`, with all lines before it.
   * What was submitted after the prompt goes first; a line typed ahead counts when nothing else fits, or fits better by its text.
   */
  claim(command: { promptAt: Offset; startAt: Offset; text: string | null; continuations: number }): ClaimedLine | null {
    const { promptAt, startAt, text, continuations } = command;
    const typed = this.#lines.filter((line) => line.offset <= startAt);
    const atPrompt = typed.filter((line) => line.offset >= promptAt);
    const fingerprints = text === null ? [] : [fingerprintOf(text), fingerprintOf(text.split('\n', 1)[0] ?? '')];
    const fits = ({ fingerprint }: Typing) => fingerprint !== null && fingerprints.includes(fingerprint);
    const typing = ({ whole, afterPrompt }: TypedLine) => (afterPrompt.authors.length === 0 || fits(whole) ? whole : afterPrompt);
    const matching = (line: TypedLine) => fits(typing(line));
    const edited = (line: TypedLine) => typing(line).fingerprint === null && !line.isInterrupted;
    const written = (line: TypedLine) => !line.isInterrupted;
    const found =
      atPrompt.find(matching) ??
      atPrompt.find(edited) ??
      typed.find(matching) ??
      atPrompt.find(written) ??
      typed.find(edited) ??
      typed.find(written) ??
      typed[0];
    if (!found) return null;
    // The lines of one command: as many more as the shell asked for, or as its text has.
    const more = Math.max(continuations, text?.match(/\n/g)?.length ?? 0);
    const from = typed.indexOf(found);
    const parts = typed.slice(from, from + 1 + more);
    const last = parts.at(-1) ?? found;
    this.#lines.splice(0, this.#lines.indexOf(last) + 1);
    const { submitter, unit, offset } = last;
    if (parts.length === 1) return { ...copy(typing(found)), submitter, unit, offset };
    const authors = [...new Set(parts.flatMap((part) => typing(part).authors))];
    return { authors, mayHide: typing(found).mayHide, fingerprint: null, submitter, unit, offset };
  }

  /** Keeps the draft, and what was pasted before it, as lines; answers the first. */
  #submit({ actor, client, seq, offset }: TypedUnit): ClaimedLine | null {
    const drafts = [...this.#pasted, this.#draft].filter((draft) => !draft.isBare);
    this.#pasted = [];
    const submission = { submitter: actor, unit: { client, seq }, offset };
    for (const draft of drafts) {
      const line = { whole: draft.whole, afterPrompt: draft.afterPrompt, ...submission, isInterrupted: false, isTold: false };
      const told = this.#lines.findIndex(({ isTold, unit }) => isTold && unit.client === client && unit.seq === seq);
      if (told < 0) this.#lines.push(line);
      else this.#lines[told] = line;
    }
    this.#lines.splice(0, Math.max(0, this.#lines.length - MAX_LINES));
    return drafts[0] ? { ...copy(drafts[0].whole), ...submission } : null;
  }
}

/** A line that is being typed. */
class Draft {
  readonly whole = new Keys();
  afterPrompt = this.whole;

  get isBare(): boolean {
    return this.whole.authors.length === 0;
  }

  prompt(): void {
    if (!this.isBare) this.afterPrompt = new Keys();
  }

  /** A key that is no character. */
  key(actor: ActorId): void {
    for (const keys of this.#both()) keys.key(actor);
  }

  character(actor: ActorId, byte: number, isPasted: boolean): void {
    for (const keys of this.#both()) keys.character(actor, byte, isPasted);
  }

  #both(): Set<Keys> {
    return new Set([this.whole, this.afterPrompt]);
  }
}

class Keys implements Typing {
  readonly authors: ActorId[] = [];
  mayHide = false;
  #isEdited = false;
  #hash = FNV_START;
  /** Hash up to the last character that is no blank. */
  #trimmed = FNV_START;

  get fingerprint(): number | null {
    return this.#isEdited ? null : this.#trimmed;
  }

  /** A key that is no character. */
  key(actor: ActorId): void {
    this.#by(actor);
    this.#isEdited = true;
  }

  character(actor: ActorId, byte: number, isPasted: boolean): void {
    const isBlank = byte === SPACE || (isPasted && byte === TAB);
    // In front of everything, or after the cursor moved somewhere.
    if (isBlank && (this.#hash === FNV_START || this.#isEdited)) this.mayHide = true;
    this.#by(actor);
    if (byte === DEL || (byte < SPACE && !isBlank)) {
      this.#isEdited = true;
      return;
    }
    if (isBlank && this.#hash === FNV_START) return;
    this.#hash = fnv(this.#hash, byte);
    if (!isBlank) this.#trimmed = this.#hash;
  }

  #by(actor: ActorId): void {
    if (!this.authors.includes(actor)) this.authors.push(actor);
  }
}

const [ESC, CR, LF, TAB, SPACE, DEL, CTRL_C] = [0x1b, 0x0d, 0x0a, 0x09, 0x20, 0x7f, 0x03];
const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** The escape sequence of a key at `at`, as terminals send them; what the mouse and the focus send is nobody's key. */
function escapeSequence(bytes: Uint8Array, at: number): { kind: 'key' | 'paste-start' | 'paste-end' | 'pointer'; length: number } {
  const second = bytes[at + 1];
  if (second !== 0x5b && second !== 0x4f) return { kind: 'key', length: 1 }; // Escape, or Alt with what follows
  let end = at + 2;
  if (second === 0x5b) while (end < bytes.length && (bytes[end] ?? 0) < 0x40) end++;
  const text = decoder.decode(bytes.subarray(at + 2, end + 1));
  const length = Math.min(end + 1, bytes.length) - at;
  if (second === 0x4f) return { kind: 'key', length };
  if (text === '200~') return { kind: 'paste-start', length };
  if (text === '201~') return { kind: 'paste-end', length };
  if (text === 'M') return { kind: 'pointer', length: length + 3 };
  return { kind: text === 'I' || text === 'O' || text.startsWith('<') ? 'pointer' : 'key', length };
}

const copy = ({ authors, fingerprint, mayHide }: Typing): Typing => ({ authors, fingerprint, mayHide });

const FNV_START = 0x811c9dc5;
const fnv = (hash: number, byte: number) => Math.imul(hash ^ byte, 0x01000193) >>> 0;
const fingerprintOf = (text: string) => encoder.encode(text.trim()).reduce(fnv, FNV_START);

/** Whether a line typed like this may read `text`. */
export function couldRead({ fingerprint, mayHide }: Typing, text: string): boolean {
  return !mayHide && (fingerprint === null || fingerprint === fingerprintOf(text));
}
