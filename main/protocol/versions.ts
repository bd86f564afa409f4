/** Which protocol versions this build speaks, and how two builds agree on one. */
import { CmdopError } from './errors.ts';

export type VersionRange = { readonly min: number; readonly max: number };

export const PROTOCOL: VersionRange = { min: 1, max: 1 };

/** The highest version in both ranges. Throws `protocol-mismatch`, saying which side to update. */
export function negotiate(client: VersionRange, host: VersionRange): number {
  const version = Math.min(client.max, host.max);
  if (version >= Math.max(client.min, host.min)) return version;
  const older = client.max < host.min ? 'this client' : 'the host';
  const remedy =
    older === 'the host'
      ? 'update cmdop on the machine of the host, then run `cmdop host stop` there: sessions keep running'
      : 'update this client';
  throw new CmdopError(
    'protocol-mismatch',
    `the host speaks protocol ${show(host)}, this client ${show(client)}: ${older} is too old, ${remedy}`,
    { host, client },
  );
}

const show = ({ min, max }: VersionRange) => (min === max ? `${min}` : `${min}–${max}`);
