/** Which start of the machine this is, so that a program that ended with it is told from one that died. */
import { readFileSync } from 'node:fs';

/**
 * The kernel's boot and the start of its first process: a container starts anew within one boot. Constant where the
 * system does not tell.
 */
export function bootId(): string {
  const first = startOfFirst();
  return first === null ? kernelBoot() : `${kernelBoot()} ${first}`;
}

/** Was `stored` made since the machine started? Also of what earlier versions stored, which knew the kernel's boot alone. */
export const isThisBoot = (stored: string): boolean => stored === bootId() || stored === kernelBoot();

function kernelBoot(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return 'unknown'; // not Linux
  }
}

/** In clock ticks since the kernel's boot; null where /proc hides it. */
function startOfFirst(): string | null {
  try {
    const stat = readFileSync('/proc/1/stat', 'utf8');
    // Field 22; the second, a name, may hold spaces and parentheses.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    return null; // not Linux, or mounted with hidepid
  }
}
