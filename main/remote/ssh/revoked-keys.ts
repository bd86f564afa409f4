/** `RevokedHostKeys`: a list of keys as text, or OpenSSH's binary list, which ssh-keygen reads. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CmdopError } from '#protocol/errors.ts';
import { fingerprintOf, typeOf } from './host-key.ts';

/** Longest that ssh-keygen may look into a list, milliseconds. */
const KEYGEN_MS = 10_000;
const BINARY_MAGIC = 'SSHKRL\n\0';

type Shown = { readonly key: Buffer; readonly file: string; readonly hostName: string };

/** Throws `host-key` if the key is on the list, or if the list cannot be read: then nothing vouches for any host. */
export async function refuseRevoked({ key, file, hostName }: Shown): Promise<void> {
  const list = listIn(file);
  const isBinary = list.toString('latin1', 0, BINARY_MAGIC.length) === BINARY_MAGIC;
  if (!(isBinary ? await isInBinaryList(key, file) : isInText(key, list.toString('utf8')))) return;
  throw new CmdopError('host-key', `the key of ${hostName} (${fingerprintOf(key)}) is revoked by ${file}: do not connect; ask who runs it`);
}

function isInText(key: Buffer, text: string): boolean {
  return text.split('\n').some((line) => {
    const [first = '', second = ''] = line.trim().split(/[ \t]+/);
    return !first.startsWith('#') && second !== '' && Buffer.from(second, 'base64').equals(key);
  });
}

async function isInBinaryList(key: Buffer, list: string): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'cmdop-key-'));
  try {
    const file = join(folder, 'key.pub');
    writeFileSync(file, `${typeOf(key)} ${key.toString('base64')}\n`);
    return await new Promise((resolve, reject) => {
      execFile('ssh-keygen', ['-Q', '-f', list, file], { timeout: KEYGEN_MS }, (error, stdout, stderr) => {
        if (!error) resolve(false);
        else if (/: REVOKED$/m.test(stdout)) resolve(true);
        else reject(unusable(list, stderr.trim() || error.message));
      });
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function listIn(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw unusable(file, error instanceof Error ? error.message : String(error));
  }
}

function unusable(file: string, why: string): CmdopError {
  return new CmdopError('host-key', `${file} (RevokedHostKeys) cannot be checked (${why}): correct it; until then no host is reached`);
}
