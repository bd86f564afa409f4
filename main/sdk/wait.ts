/** Waits until a condition holds: looked at after every event, never twice at once, until a deadline or the caller gives up. */
import type { Signal } from './client.d.ts';

/** Looks are at least so far apart, milliseconds: a flood has thousands of events a second. */
const LOOK_EVERY_MS = 30;

export type Waiting<T> = {
  /** What was waited for, or null while it is not there. */
  look(): Promise<T | null>;
  /** Calls `wake` after everything that may change the answer; returns how to end that. */
  listen(wake: () => void): () => void;
  /** Look again after so long without an event, milliseconds; null: only after events. */
  againInMs?(): number | null;
  timeoutMs: number;
  signal: AbortSignal;
};

/** Null: not in time, or the caller gave up. */
export async function waitUntil<T>({ look, listen, againInMs, timeoutMs, signal }: Waiting<T>): Promise<T | null> {
  const deadline = performance.now() + timeoutMs;
  let isWoken = false;
  let resume: () => void = () => {};
  const wake = () => {
    isWoken = true;
    resume();
  };
  const unlisten = listen(wake);
  signal.addEventListener('abort', wake);
  try {
    for (;;) {
      isWoken = false;
      const found = await look();
      if (found !== null || signal.aborted) return found;
      const left = deadline - performance.now();
      if (left <= 0) return null;
      await sleep(Math.min(left, LOOK_EVERY_MS));
      if (isWoken) continue;
      const again = againInMs?.() ?? null;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.max(1, Math.min(left, again ?? left)));
        resume = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  } finally {
    unlisten();
    signal.removeEventListener('abort', wake);
  }
}

/** What `promise` gives, or, once `signal` is aborted, its reason; what was asked for may still happen. */
export function abortable<T>(promise: Promise<T>, signal: Signal | undefined): Promise<T> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const giveUp = () => reject(signal.reason);
    if (signal.aborted) giveUp();
    signal.addEventListener('abort', giveUp);
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', giveUp));
  });
}

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
