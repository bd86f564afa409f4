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

export type TypedLine = {
  /** Whose keys are in it, in order of their first; without the Enter. */
  readonly authors: readonly ActorId[];
  readonly submitter: ActorId;
  /** The unit with the Enter. */
  readonly unit: { readonly client: ClientId; readonly seq: Seq };
  /** Where the output ended at the Enter. */
  readonly offset: Offset;
  /** Of the text without blanks around it; null if keys other than characters made it (history, completion, editing). */
  readonly fingerprint: number | null;
  /** The line may begin with a blank. */
  readonly mayHide: boolean;
  /** Nothing but Enter. */
  readonly isBare: boolean;
  /** Ctrl-C came after it, so that it was perhaps never read. */
  isInterrupted: boolean;
};

/** Lines held for a command that may never claim them (a program read them), per session. */
const MAX_LINES = 64;

export class TypedLines {
  readonly #lines: TypedLine[] = [];
  #draft = new Draft();
  /** Lines of a bracketed paste: typed, not yet submitted. */
  #pasted: Draft[] = [];
  #isPasting = false;

  /** Takes the next unit; answers how many lines it submitted, and whether it began a line that is not submitted with it. */
  take(unit: TypedUnit): { submitted: number; began: boolean; first: TypedLine | null } {
    const { bytes, actor } = unit;
    let began = false;
    let submitted = 0;
    let first: TypedLine | null = null;
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
        if (this.#isPasting) {
          this.#pasted.push(this.#draft);
        } else {
          submitted++;
          const line = this.#submit(unit);
          first ??= line;
        }
        this.#draft = new Draft();
      } else if (byte === CTRL_C && !this.#isPasting) {
        this.#draft = new Draft();
        this.#pasted = [];
        for (const line of this.#lines) line.isInterrupted = true;
      } else {
        began ||= this.#draft.isBare;
        this.#draft.character(actor, byte, this.#isPasting);
      }
    }
    return { submitted, began, first };
  }

  /**
   * Takes out the line of the command whose start stands at `startAt`, after the prompt at `promptAt`, with all lines before it.
   * What was submitted after the prompt goes first; a line typed ahead counts when nothing else fits, or fits better by its text.
   */
  claim(command: { promptAt: Offset; startAt: Offset; text: string | null; continuations: number }): TypedLine | null {
    const { promptAt, startAt, text, continuations } = command;
    const typed = this.#lines.filter((line) => line.offset <= startAt);
    const atPrompt = typed.filter((line) => line.offset >= promptAt);
    const fingerprints = text === null ? [] : [fingerprintOf(text), fingerprintOf(text.split('\n', 1)[0] ?? '')];
    const matching = (line: TypedLine) => line.fingerprint !== null && fingerprints.includes(line.fingerprint) && !line.isBare;
    const edited = (line: TypedLine) => line.fingerprint === null && !line.isInterrupted;
    const written = (line: TypedLine) => !line.isBare && !line.isInterrupted;
    const found =
      atPrompt.find(matching) ??
      atPrompt.find(edited) ??
      typed.find(matching) ??
      atPrompt.find(written) ??
      typed.find(edited) ??
      typed.find(written) ??
      typed.find((line) => !line.isBare) ??
      atPrompt.at(-1);
    if (!found) return null;
    // The lines of one command: as many more as the shell asked for, or as its text has.
    const more = Math.max(continuations, text?.match(/\n/g)?.length ?? 0);
    const from = typed.indexOf(found);
    const parts = typed.slice(from, from + 1 + more).filter((line) => !line.isBare || line === found);
    const last = parts.at(-1) ?? found;
    this.#lines.splice(0, this.#lines.indexOf(last) + 1);
    if (parts.length === 1) return found;
    return { ...last, authors: [...new Set(parts.flatMap((part) => part.authors))], mayHide: found.mayHide, fingerprint: null };
  }

  #submit(unit: TypedUnit): TypedLine | null {
    const { actor, client, seq, offset } = unit;
    const drafts = [...this.#pasted.filter((draft) => !draft.isBare), this.#draft];
    this.#pasted = [];
    const lines = drafts.map(
      (draft): TypedLine => ({
        authors: draft.authors,
        submitter: actor,
        unit: { client, seq },
        offset,
        fingerprint: draft.fingerprint,
        mayHide: draft.mayHide,
        isBare: draft.isBare,
        isInterrupted: false,
      }),
    );
    this.#lines.push(...lines);
    this.#lines.splice(0, Math.max(0, this.#lines.length - MAX_LINES));
    return lines[0] ?? null;
  }
}

/** A line that is being typed. */
class Draft {
  readonly authors: ActorId[] = [];
  mayHide = false;
  #isEdited = false;
  #hash = FNV_START;
  /** Hash up to the last character that is no blank. */
  #trimmed = FNV_START;

  get isBare(): boolean {
    return this.authors.length === 0;
  }

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

const FNV_START = 0x811c9dc5;
const fnv = (hash: number, byte: number) => Math.imul(hash ^ byte, 0x01000193) >>> 0;
const fingerprintOf = (text: string) => encoder.encode(text.trim()).reduce(fnv, FNV_START);

/** Whether `line` was typed as `text`, as far as its marks tell. */
export function couldBe(line: TypedLine, text: string): boolean {
  return line.fingerprint === null ? !line.mayHide : !line.mayHide && line.fingerprint === fingerprintOf(text);
}
