/** A session's output on a line of time that can be played: when what was printed, with the long silences left out if wanted. Pure. */

/** Silence that is skipped is this long, milliseconds: long enough to be noticed as one. */
const SKIPPED_TO_MS = 1_000;

/** Output from `offset` on came at `at`, Unix time in milliseconds. */
export type TimeMark = { readonly offset: number; readonly at: number };

export class ReplayTime {
  readonly #marks: readonly TimeMark[];
  /** Time of each mark on the line, milliseconds from its begin. */
  readonly #times: readonly number[];
  /** Where the output ends. */
  readonly end: number;
  readonly duration: number;

  /** `marks` in order; `end` is the output's end, which is reached at `endedAt`. */
  constructor(options: { marks: readonly TimeMark[]; end: number; endedAt: number; isIdleSkipped: boolean }) {
    const { marks, end, isIdleSkipped } = options;
    const times: number[] = [];
    let time = 0;
    for (const [index, mark] of marks.entries()) {
      const gap = index === 0 ? 0 : Math.max(0, mark.at - (marks[index - 1]?.at ?? mark.at));
      time += isIdleSkipped ? Math.min(gap, SKIPPED_TO_MS) : gap;
      times.push(time);
    }
    const last = marks.at(-1);
    const rest = last ? Math.max(0, options.endedAt - last.at) : 0;
    this.#marks = marks;
    this.#times = times;
    this.end = end;
    this.duration = time + (isIdleSkipped ? Math.min(rest, SKIPPED_TO_MS) : rest);
  }

  /** Everything before this offset has been printed by `time`. */
  offsetAt(time: number): number {
    return this.#marks[last(this.#times, time) + 1]?.offset ?? this.end;
  }

  /** When what is just before `offset` was printed. */
  timeOf(offset: number): number {
    const index = lastBefore(this.#marks, offset);
    return index < 0 ? 0 : (this.#times[index] ?? 0);
  }

  /** The place on the line of a moment of that day. */
  timeAt(at: number): number {
    const index = lastAt(this.#marks, at);
    const mark = this.#marks[index];
    if (!mark) return 0;
    const next = this.#times[index + 1] ?? this.duration;
    return Math.min(next, (this.#times[index] ?? 0) + (at - mark.at));
  }

  /** The moment of that day which `time` on the line stands for; null where nothing was printed. */
  momentAt(time: number): number | null {
    const index = Math.max(0, last(this.#times, time));
    const mark = this.#marks[index];
    return mark ? mark.at + Math.max(0, time - (this.#times[index] ?? 0)) : null;
  }

  /** The next time at which something was printed, or the one before. */
  step(time: number, by: 1 | -1): number {
    if (by === 1) return this.#times.find((each) => each > time + 0.5) ?? this.duration;
    return this.#times.findLast((each) => each < time - 0.5) ?? 0;
  }
}

const last = (times: readonly number[], time: number): number => lastWhere(times.length, (index) => (times[index] ?? 0) <= time);
const lastBefore = (marks: readonly TimeMark[], offset: number): number =>
  lastWhere(marks.length, (index) => (marks[index]?.offset ?? 0) < offset);
const lastAt = (marks: readonly TimeMark[], at: number): number => lastWhere(marks.length, (index) => (marks[index]?.at ?? 0) <= at);

/** The last index that fits, where all that fit come first; −1 where none does. */
function lastWhere(length: number, fits: (index: number) => boolean): number {
  let [low, high] = [0, length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (fits(middle)) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
