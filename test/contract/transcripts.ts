/**
 * Recorded conversations of one protocol version, frame by frame, byte-exact: what a later build must still understand
 * and must still say. Made by test/process/record-transcripts.ts, once for each version; never changed afterwards.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** `side`: who sent the frame. `link`: the how-manieth connection it went over. `hex`: all of it, with its length. */
export type Line = { link: number; side: 'client' | 'host' | 'keeper'; hex: string };
export type Transcript = { about: Record<string, unknown>; lines: Line[] };

const fileOf = (name: string) => join(import.meta.dirname, 'transcripts', `${name}.jsonl`);

export function readTranscript(name: string): Transcript {
  const [first = '{}', ...rest] = readFileSync(fileOf(name), 'utf8').trimEnd().split('\n');
  return { about: JSON.parse(first) as Record<string, unknown>, lines: rest.map((line) => JSON.parse(line) as Line) };
}

/** Throws if it exists: a transcript that is made anew proves nothing of the builds that are out there. */
export function writeTranscript(name: string, { about, lines }: Transcript): void {
  const text = [about, ...lines].map((line) => `${JSON.stringify(line)}\n`).join('');
  writeFileSync(fileOf(name), text, { flag: 'wx' });
}

/** Cuts a stream into whole frames, their length included; what comes first may be a magic of `skip` bytes, a frame of its own. */
export class FrameCutter {
  #rest = Buffer.alloc(0);
  #skip: number;

  constructor(skip: number) {
    this.#skip = skip;
  }

  push(bytes: Uint8Array): Buffer[] {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    const frames: Buffer[] = [];
    for (;;) {
      const length = this.#skip > 0 ? this.#skip : this.#rest.length < 4 ? Number.POSITIVE_INFINITY : this.#rest.readUInt32LE(0) + 4;
      if (this.#rest.length < length) return frames;
      this.#skip = 0;
      frames.push(this.#rest.subarray(0, length));
      this.#rest = this.#rest.subarray(length);
    }
  }
}

/** What differs from run to run, and sentences, which may be worded better. */
const VOLATILE =
  /^(id|session|pid|ppid|\w+Pid|at|since|startedAt|createdAt|endedAt|durationMs|socket|stateDir|machine|version|build|protocol|color|message|cpu|memoryBytes|records|features|warnings|nonce|bootId)$/;
/** Lists that may be longer in a later build, or another time. */
const OPEN_LISTS = /^(events|processes|sessions|commands)$/;

/**
 * Why `now` is not what `then` was, or null: every field that was there is there, of the same type, and of the same value
 * where that does not change from run to run. Fields that were added are no difference.
 */
export function difference(
  then: unknown,
  now: unknown,
  at: { path: string; isTypeOnly: boolean } = { path: '', isTypeOnly: false },
): string | null {
  const { path, isTypeOnly } = at;
  const key = /\w*$/.exec(path)?.[0] ?? '';
  if (then === null) return null;
  if (Array.isArray(then)) {
    if (!Array.isArray(now)) return `${path} is no list any more`;
    if (OPEN_LISTS.test(key) && then.length > 0) return difference(then[0], now[0], { path: `${path}[0]`, isTypeOnly: true });
    if (isTypeOnly || OPEN_LISTS.test(key)) return null;
    if (then.length !== now.length) return `${path} has ${now.length} entries, not ${then.length}`;
    return (
      then.map((each, index) => difference(each, now[index], { path: `${path}[${index}]`, isTypeOnly })).find((found) => found !== null) ??
      null
    );
  }
  if (typeof then === 'object') {
    if (typeof now !== 'object' || now === null) return `${path} is ${JSON.stringify(now)}, not an object`;
    const fields = now as Record<string, unknown>;
    for (const [name, value] of Object.entries(then)) {
      if (!Object.hasOwn(fields, name)) return `${path}.${name} is missing`;
      const isPayload = isTypeOnly && name === 'payload'; // each kind of record has its own
      const found = isPayload ? null : difference(value, fields[name], { path: `${path}.${name}`, isTypeOnly });
      if (found) return found;
    }
    return null;
  }
  if (isTypeOnly && now === null) return null;
  if (typeof then !== typeof now) return `${path} is ${JSON.stringify(now)}, not a ${typeof then}`;
  return isTypeOnly || VOLATILE.test(key) || then === now ? null : `${path} is ${JSON.stringify(now)}, not ${JSON.stringify(then)}`;
}
