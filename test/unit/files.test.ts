/** Files without a host: names, hashes, what lies in folders, and how a file gets into its place or does not. */
import { createHash, randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Sha256 } from '#client/files/sha256.ts';
import { bytesOfName, isPlainName, nameOfBytes, shownName } from '#session/file-names.ts';
import { FileWork } from '../../main/host/files/file-work.ts';
import { isPartialName, partialName } from '../../main/host/files/partial-name.ts';

const sha256 = (bytes: string | Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const KEY = 'abcdef0123456789';

let folder = '';
let work = new FileWork();
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cmdop-f-'));
  work = new FileWork();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Opens a file to be written; `say` adds to what is asked. */
const writing = (name: string, say: Partial<Parameters<FileWork['openWrite']>[0]> = {}) =>
  work.openWrite({ path: join(folder, name), size: 5, key: KEY, overwrite: false, mode: null, restart: false, real: null, ...say });
const send = async (job: number, text: string) => {
  await work.write({ job, bytes: Buffer.from(text) });
  return work.finish({ job, hash: sha256(text) });
};
const names = () => readdirSync(folder).sort();

describe('names', () => {
  test.each([
    ['UTF-8', [0x61, 0xc3, 0xa9], 'aé'],
    ['Latin-1', [0x61, 0xe9, 0x62], 'a\udce9b'],
    ['a surrogate that was encoded', [0xed, 0xb2, 0x80], '\udced\udcb2\udc80'],
    ['a character that is cut', [0xf0, 0x9f, 0x98], '\udcf0\udc9f\udc98'],
  ])('of %s are text that leads back to the same bytes', (_what, bytes, text) => {
    expect(nameOfBytes(Uint8Array.from(bytes))).toBe(text);
    expect([...bytesOfName(text)]).toEqual(bytes);
    expect(JSON.parse(JSON.stringify(text))).toBe(text);
  });

  test('of any bytes are', () => {
    for (let i = 0; i < 200; i++) {
      const bytes = randomBytes(24);
      expect(Buffer.from(bytesOfName(nameOfBytes(bytes)))).toEqual(bytes);
    }
  });

  test('are shown with what hides in them', () => {
    expect(shownName('invoice\u202efdp.exe')).toBe('invoice‹U+202E›fdp.exe');
    expect(shownName('a\nb\udce9')).toBe('a‹^J›b‹xE9›');
    expect(shownName('e\u0301té नमस्ते')).toBe('e\u0301té नमस्ते');
  });

  test('of another machine lead nowhere else', () => {
    expect(['.', '..', '', 'a/b', '../x', 'a\0'].filter(isPlainName)).toEqual([]);
    expect(isPlainName('.bashrc')).toBe(true);
  });
});

test('a hash made piece by piece is the one of the whole', () => {
  const bytes = randomBytes(100_000);
  const hash = new Sha256();
  for (let at = 0, size = 1; at < bytes.length; at += size, size = (size * 7) % 997 || 1) {
    hash.update(bytes.subarray(at, at + size));
    expect(hash.digest()).toBe(sha256(bytes.subarray(0, at + size)));
  }
  expect(new Sha256().digest()).toBe(sha256(''));
});

describe('a folder', () => {
  test('is listed in pages, folders first, names as people count', async () => {
    for (const name of ['a10', 'a2', 'A1']) writeFileSync(join(folder, name), name);
    mkdirSync(join(folder, 'zoo'));
    const ask = { path: folder, sort: 'name', descending: false } as const;
    const first = await work.list({ ...ask, from: 0, limit: 2 });
    expect(first.entries.map(({ name, kind }) => `${name} ${kind}`)).toEqual(['zoo folder', 'A1 file']);
    expect(first.total).toBe(4);
    expect((await work.list({ ...ask, from: 2, limit: 9 })).entries.map(({ name }) => name)).toEqual(['a2', 'a10']);
    expect((await work.list({ ...ask, sort: 'size', descending: true, from: 1, limit: 1 })).entries[0]?.name).toBe('a10');
  });

  test('shows names that are no UTF-8, and they can be opened', async () => {
    writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0x66, 0xe9])]), 'latin');
    const { entries } = await work.list({ path: folder, sort: 'name', descending: false, from: 0, limit: 9 });
    expect(entries[0]?.name).toBe('f\udce9');
    const seen = await work.view({ path: `${folder}/${entries[0]?.name}`, max: 99 });
    expect(Buffer.from(seen.bytes).toString()).toBe('latin');
  });

  test('tells where links lead, and that one leads nowhere', async () => {
    writeFileSync(join(folder, 'file'), 'x');
    symlinkSync('file', join(folder, 'link'));
    symlinkSync('nowhere', join(folder, 'broken'));
    const { entries } = await work.list({ path: folder, sort: 'name', descending: false, from: 0, limit: 9 });
    expect(entries.map(({ name, link }) => [name, link?.target, link?.kind])).toEqual([
      ['broken', 'nowhere', null],
      ['file', undefined, undefined],
      ['link', 'file', 'file'],
    ]);
  });
});

describe('an upload', () => {
  test('shows nothing in its place until it is whole, then all of it', async () => {
    const { job, path } = await writing('new.txt', { mode: 0o750 });
    expect(path).toBe(join(folder, 'new.txt'));
    await work.write({ job, bytes: Buffer.from('he') });
    expect(existsSync(path)).toBe(false);
    await work.write({ job, bytes: Buffer.from('llo') });
    expect(await work.finish({ job, hash: sha256('hello') })).toEqual({ path, size: 5, hash: sha256('hello') });
    expect(readFileSync(path, 'utf8')).toBe('hello');
    expect(statSync(path).mode & 0o777).toBe(0o750);
    expect(names()).toEqual(['new.txt']);
  });

  test('that was cut goes on where it was', async () => {
    const cut = await writing('new.txt');
    await work.write({ job: cut.job, bytes: Buffer.from('hel') });
    await work.abandon({ job: cut.job, keep: true });
    expect(names()).toEqual([partialName('new.txt', KEY)]);
    const again = await writing('new.txt');
    expect(again).toMatchObject({ from: 3, prefix: sha256('hel') });
    await work.write({ job: again.job, bytes: Buffer.from('lo') });
    await work.finish({ job: again.job, hash: sha256('hello') });
    expect(readFileSync(join(folder, 'new.txt'), 'utf8')).toBe('hello');
  });

  test('of another file with the same beginnings of a name begins anew', async () => {
    const cut = await writing('new.txt');
    await work.write({ job: cut.job, bytes: Buffer.from('hel') });
    await work.abandon({ job: cut.job, keep: true });
    expect(await writing('new.txt', { restart: true })).toMatchObject({ from: 0, prefix: null });
  });

  test('that does not hash as it was sent changes nothing', async () => {
    writeFileSync(join(folder, 'old.txt'), 'before');
    const { job } = await writing('old.txt', { overwrite: true });
    await work.write({ job, bytes: Buffer.from('hellO') });
    await expect(work.finish({ job, hash: sha256('hello') })).rejects.toThrow('did not come as it was sent');
    expect(readFileSync(join(folder, 'old.txt'), 'utf8')).toBe('before');
    expect(names()).toEqual(['old.txt']);
  });

  test('overwrites only when told to, and keeps the permissions that are there', async () => {
    writeFileSync(join(folder, 'old.txt'), 'before');
    chmodSync(join(folder, 'old.txt'), 0o640);
    await expect(writing('old.txt')).rejects.toThrow('is there already: overwrite it, or choose another name');
    const { job } = await writing('old.txt', { overwrite: true, mode: 0o777 });
    await send(job, 'hello');
    expect(readFileSync(join(folder, 'old.txt'), 'utf8')).toBe('hello');
    expect(statSync(join(folder, 'old.txt')).mode & 0o777).toBe(0o640);
  });

  test('never overwrites what appeared while it came', async () => {
    const { job } = await writing('new.txt');
    await work.write({ job, bytes: Buffer.from('hello') });
    writeFileSync(join(folder, 'new.txt'), 'mine');
    await expect(work.finish({ job, hash: sha256('hello') })).rejects.toThrow('is there already');
    expect(readFileSync(join(folder, 'new.txt'), 'utf8')).toBe('mine');
    const again = await writing('new.txt', { overwrite: true });
    expect(again.from).toBe(5); // all of it is there still
    await work.abandon({ job: again.job, keep: false });
  });

  test('through a link goes where it leads, and the link stays', async () => {
    writeFileSync(join(folder, 'real'), 'before');
    symlinkSync('real', join(folder, 'link'));
    const { job } = await writing('link', { overwrite: true });
    await send(job, 'hello');
    expect(lstatSync(join(folder, 'link')).isSymbolicLink()).toBe(true);
    expect(readFileSync(join(folder, 'real'), 'utf8')).toBe('hello');
  });

  test('does not follow a link that was put where its bytes go', async () => {
    writeFileSync(join(folder, 'victim'), 'precious');
    symlinkSync('victim', join(folder, partialName('new.txt', KEY)));
    await expect(writing('new.txt')).rejects.toThrow();
    expect(readFileSync(join(folder, 'victim'), 'utf8')).toBe('precious');
  });

  test('stays in the folder that was judged, whatever takes its place meanwhile', async () => {
    mkdirSync(join(folder, 'a'));
    mkdirSync(join(folder, 'b'));
    await expect(writing('a/new.txt', { real: join(folder, 'b', 'new.txt') })).rejects.toThrow('was moved just now');
  });

  test.each([
    ['.', 'is a folder'],
    ['sub/', 'is a folder'],
    ['sub', 'sub is a folder'],
    ['none/x', 'is not there'],
    ['broken', 'is a link that leads nowhere'],
    ['n'.repeat(300), 'has too long a name'],
  ])('into %s is refused in a sentence', async (name, sentence) => {
    mkdirSync(join(folder, 'sub'));
    symlinkSync('nowhere', join(folder, 'broken'));
    await expect(
      work.openWrite({ path: `${folder}/${name}`, size: 5, key: KEY, overwrite: true, mode: null, restart: false, real: null }),
    ).rejects.toThrow(sentence);
    expect(names()).toEqual(['broken', 'sub']);
  });

  test('of more than was said is cut', async () => {
    const { job } = await writing('new.txt');
    await expect(work.write({ job, bytes: Buffer.from('hello!') })).rejects.toThrow('was to have 5 bytes, and more came');
  });
});

test('the beginning of an upload has a name of its own, however long the file’s is', () => {
  const long = partialName('é'.repeat(127), KEY);
  expect(Buffer.byteLength(long)).toBeLessThanOrEqual(255);
  expect(isPartialName(long)).toBe(true);
  expect(partialName('a', KEY)).not.toBe(partialName('b', KEY));
});

describe('a file that is read', () => {
  const reading = (say: Partial<Parameters<FileWork['openRead']>[0]> = {}) =>
    work.openRead({ path: join(folder, 'file'), from: 0, prefix: null, real: null, ...say });
  beforeEach(() => writeFileSync(join(folder, 'file'), 'hello world'));

  test('goes on from an offset, and has the hash of the whole', async () => {
    const { job, size } = await reading({ from: 6, prefix: sha256('hello ') });
    expect(size).toBe(11);
    expect(Buffer.from(await work.read({ job, max: 99 })).toString()).toBe('world');
    expect(await work.read({ job, max: 99 })).toHaveLength(0);
    expect(await work.closeRead({ job, isWhole: true })).toBe(sha256('hello world'));
  });

  test('and begins otherwise than what was copied before is refused', async () => {
    await expect(reading({ from: 6, prefix: sha256('HELLO ') })).rejects.toMatchObject({ code: 'file-changed' });
    await expect(reading({ from: 99 })).rejects.toMatchObject({ code: 'file-changed' });
  });

  test('ends where it ended when it was opened, and says when it became shorter', async () => {
    const { job } = await reading();
    writeFileSync(join(folder, 'file'), 'hel');
    expect(await work.read({ job, max: 3 })).toHaveLength(3);
    await expect(work.read({ job, max: 3 })).rejects.toThrow('became shorter while it was read');
  });

  test('and says that it is empty is looked into', async () => {
    const { job, size } = await work.openRead({ path: '/proc/self/status', from: 0, prefix: null, real: null });
    expect(size).toBeGreaterThan(100);
    expect(Buffer.from(await work.read({ job, max: 4096 })).toString()).toContain('VmRSS');
    await work.closeRead({ job, isWhole: false });
  });

  test.each([
    ['/dev/zero', 'is a device: only files can be copied'],
    ['/tmp', 'is a folder: name a file in it, or copy the whole folder (-r)'],
  ])('%s is refused', async (path, sentence) => {
    await expect(reading({ path })).rejects.toThrow(sentence);
  });
});
