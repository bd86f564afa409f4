/** The real clock of this process. */
import type { Clock } from '#protocol/clock.ts';

/** Its timers keep the process alive: whoever sets one cancels it. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallNow: () => Date.now(),
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};
