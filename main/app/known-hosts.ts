/** Hosts that can be added, and putting cmdop onto one. */
import type { KnownHost } from '../../preload/api.ts';

export async function knownHosts(): Promise<KnownHost[]> {
  return [];
}

export async function installOn(host: string): Promise<void> {
  throw new Error(`cmdop cannot be put onto ${host} yet`);
}
