/** Tells what a terminal reports by itself from what its user does: only the latter may take control. Pure. */

const FOCUS_REPORT = /^\x1b\[[IO]$/;
const SGR_MOUSE = /^\x1b\[<(\d+);\d+;\d+[Mm]$/;
const X10_MOUSE = /^\x1b\[M([\s\S])[\s\S]{2}$/;
/** Bit of a mouse report's button code that says the pointer moved. */
const MOTION = 32;

/** True for focus reports and pointer motion: sent only by the client that has control already. */
export function isPassiveInput(input: string): boolean {
  if (!input.startsWith('\x1b[')) return false;
  if (FOCUS_REPORT.test(input)) return true;
  const sgr = SGR_MOUSE.exec(input);
  if (sgr) return (Number(sgr[1]) & MOTION) !== 0;
  const x10 = X10_MOUSE.exec(input);
  return x10?.[1] !== undefined && ((x10[1].charCodeAt(0) - 32) & MOTION) !== 0;
}
