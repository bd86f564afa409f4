/** What brings a host back that cannot be reached now: time, a person, or an installation. */
import { CmdopError } from '#protocol/errors.ts';

export function whatHelps(error: unknown): 'time' | 'person' | 'install' {
  if (!(error instanceof CmdopError)) return 'time';
  if (error.data?.needs === 'person') return 'person';
  switch (error.code) {
    case 'not-installed':
      return 'install';
    case 'unauthorized':
    case 'host-key':
    case 'bad-request':
    case 'bad-configuration':
    case 'protocol-mismatch':
      return 'person';
    default:
      return 'time';
  }
}
