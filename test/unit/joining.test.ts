/** Coming in as a guest: the code as people pass it on, and the app's key, which is never silently another one. */
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fileIdentity } from '#local/identity.ts';
import { formatJoinCode, parseJoinCode } from '#local/join-code.ts';
import { sealedIdentity, type Vault } from '#local/sealed-identity.ts';

describe('a code', () => {
  const code = {
    socket: '/tmp/x/host.sock',
    host: `SHA256:${'a'.repeat(43)}`,
    machine: 'box',
    secret: 's'.repeat(32),
    session: 'bcdfghjkmn',
  };
  const text = formatJoinCode(code);

  test.each([
    ['alone', text],
    ['as the whole line', `cmdop join ${text}`],
    ['as it runs from a checkout', `  npx cmdop join ${text}\n`],
    ['as a link', `cmdop://join/${text}`],
    ['broken by mail', `cmdop join ${text.slice(0, 60)}\r\n  ${text.slice(60)}`],
  ])('is understood %s', (_how, given) => expect(parseJoinCode(given)).toEqual(code));

  test.each([
    ['cut', text.slice(0, 80)],
    ['of nothing', ''],
    ['with something before it', `sudo cmdop join ${text}`],
    ['whose host is no fingerprint', `cmdop-${Buffer.from(JSON.stringify({ ...code, host: 'x' })).toString('base64url')}`],
    ['longer than any', `cmdop-${'a'.repeat(100_000)}`],
  ])('%s is none, in a sentence', (_how, given) => expect(() => parseJoinCode(given)).toThrow('this is no code of `cmdop share`'));
});

describe('the key of the command line, or of a host', () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'cmdop-key-'));
    file = join(folder, 'state', 'key');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test('is made once, in a file that only this account reads, whatever the umask', () => {
    const before = process.umask(0);
    try {
      const { publicKey } = fileIdentity(file);
      expect([statSync(file).mode & 0o777, statSync(join(folder, 'state')).mode & 0o777]).toEqual([0o600, 0o700]);
      expect(fileIdentity(file).publicKey.fingerprint).toBe(publicKey.fingerprint);
      expect(readdirSync(join(folder, 'state'))).toEqual(['key']);
    } finally {
      process.umask(before);
    }
  });

  test.each([0o644, 0o640, 0o620, 0o604])('that others may read or write (%o) is not used, and is not replaced', (mode) => {
    const { publicKey } = fileIdentity(file);
    chmodSync(file, mode);
    expect(() => fileIdentity(file)).toThrow(
      `the key in ${file} cannot be used: others may read it: \`chmod 600 ${file}\`, or remove it for a new key`,
    );
    chmodSync(file, 0o600);
    expect(fileIdentity(file).publicKey.fingerprint).toBe(publicKey.fingerprint);
  });

  test('is not taken from behind a link, which others may have laid', () => {
    fileIdentity(file);
    const link = join(folder, 'link');
    symlinkSync(file, link);
    expect(() => fileIdentity(link)).toThrow('others may read it');
  });
});

describe('the key of the app', () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'cmdop-key-'));
    file = join(folder, 'app-key.json');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const none: Vault = {
    name: null,
    seal: () => {
      throw new Error('nothing seals here');
    },
    open: () => {
      throw new Error('nothing opens here');
    },
  };
  const vault = (name: string, secret = name): Vault => ({
    name,
    seal: (text) => Buffer.from(`${secret}\0${Buffer.from(text).toString('hex')}`),
    open: (sealed) => {
      const [by, hex = ''] = Buffer.from(sealed).toString().split('\0');
      if (by !== secret) throw new Error('not mine');
      return Buffer.from(hex, 'hex').toString();
    },
  });
  const fingerprint = (of: Vault) => sealedIdentity(file, of).publicKey.fingerprint;

  test('is sealed where there is a keychain, and the same from then on', () => {
    const first = sealedIdentity(file, vault('keychain'));
    expect(first.sealedBy).toBe('keychain');
    expect(readFileSync(file, 'utf8')).not.toContain('PRIVATE KEY');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(fingerprint(vault('keychain'))).toBe(first.publicKey.fingerprint);
  });

  test('lies in a file of this account where there is none, and says so; a keychain that comes later takes the same key', () => {
    const plain = sealedIdentity(file, none);
    expect(plain.sealedBy).toBeNull();
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(fingerprint(none)).toBe(plain.publicKey.fingerprint);
    const later = sealedIdentity(file, vault('keychain'));
    expect([later.sealedBy, later.publicKey.fingerprint]).toEqual(['keychain', plain.publicKey.fingerprint]);
    expect(readFileSync(file, 'utf8')).not.toContain('PRIVATE KEY');
  });

  test('is not sealed by a keychain that does not give back what it took', () => {
    expect(sealedIdentity(file, { ...vault('forgetful'), open: () => 'something else' }).sealedBy).toBeNull();
    expect(sealedIdentity(join(folder, 'other'), { ...none, name: 'locked' }).sealedBy).toBeNull();
  });

  test.each([
    ['without its keychain', none, 'is sealed by keychain, and this desktop offers no keychain'],
    ['with another one', vault('another'), 'is not opened by another: unlock it'],
    ['with one that was emptied', vault('keychain', 'new secret'), 'is not opened by keychain: unlock it'],
  ])('%s is no other key, but a sentence with what to do', (_how, now, sentence) => {
    const before = fingerprint(vault('keychain'));
    const text = readFileSync(file, 'utf8');
    expect(() => sealedIdentity(file, now)).toThrow(sentence);
    expect(() => sealedIdentity(file, now)).toThrow(`remove ${file} for a new key`);
    expect(readFileSync(file, 'utf8')).toBe(text);
    expect(fingerprint(vault('keychain'))).toBe(before);
  });

  test.each([
    ['cut', (text: string) => text.slice(0, 100)],
    ['empty', () => ''],
    ['with the key of another', (text: string) => text.replace(/"publicKey":"[^"]+"/, '"publicKey":"ssh-ed25519 AAAA"')],
    ['whose key is none', (text: string) => text.replace('BEGIN', 'BEGUN')],
  ])('a file that is %s is damaged, and stays as it is', (_how, damage) => {
    sealedIdentity(file, none);
    const damaged = damage(readFileSync(file, 'utf8'));
    writeFileSync(file, damaged);
    expect(() => sealedIdentity(file, none)).toThrow(/the key of this app is damaged: .*, or remove .* for a new key/);
    expect(readFileSync(file, 'utf8')).toBe(damaged);
  });

  test('that others may read is not used', () => {
    sealedIdentity(file, none);
    chmodSync(file, 0o644);
    expect(() => sealedIdentity(file, none)).toThrow(`\`chmod 600 ${file}\``);
  });
});
