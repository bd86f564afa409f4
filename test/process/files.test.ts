/**
 * Files through a real host: up and down while the link is cut, who may read and write what, and disks that are full.
 * CMDOP_FILE_MB=1024 takes a file of a gigabyte, measures the echo of a session beside it, and prints times and memory.
 */
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { download, upload } from '#client/files/transfer.ts';
import { DiskSink, openSource } from '#local/copying/disk-bytes.ts';
import { nodeHash } from '#local/node-hash.ts';
import { localPaths } from '#local/paths.ts';
import { type Engine, openEngine, type Person } from './engine.ts';
import { cuttingLink, hashOfFile, measure, writeRandom } from './file-world.ts';

const MB = Number(process.env.CMDOP_FILE_MB ?? 24);
const BYTES = MB * 1024 * 1024;
const KEY = 'abcdef0123456789';

let engine: Engine;
let work = '';
let ann: Person;
beforeAll(async () => {
  engine = openEngine();
  engine.policy(
    '{ "default": { "agents": "ask" }, "rules": [{ "do": "allow", "kind": ["action"], "command": "read *", "folder": "~/work" }] }',
  );
  work = join(realpathSync(engine.home), 'work');
  mkdirSync(work);
  await engine.startHost();
  ann = engine.person('ann');
  await ann.client.request('session.create', { name: 'api', command: ['/bin/cat'], cwd: work });
});
afterAll(() => engine.dispose());

const sha256 = (bytes: string | Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const events = async () =>
  (await ann.client.request('journal.list', { session: 'api', kinds: ['file'] })).events.map(({ payload }) => payload);
const textSource = (text: string) => ({
  size: text.length,
  read: async (from: number, max: number) => Buffer.from(text).subarray(from, from + max),
});
const put = (person: Person, path: string, text: string, more: { overwrite?: boolean } = {}) =>
  upload({ client: person.client, session: 'api', path, source: textSource(text), key: KEY, overwrite: false, newHash: nodeHash, ...more });
const view = async (person: Person, path: string) =>
  Buffer.from((await person.client.request('files.view', { session: 'api', path })).bytes, 'base64').toString();

describe('a cut', () => {
  test(`in the middle of ${MB} MB, twice each way, costs nothing but time: the hash is the same`, {
    timeout: 60_000 + MB * 1_000,
  }, async () => {
    const away = mkdtempSync(join(tmpdir(), 'cmdop-x-'));
    const file = join(away, 'big');
    const hash = writeRandom(file, MB);
    const link = await cuttingLink(engine);
    const measured = MB >= 512 ? measure(engine, ann, MB) : null;
    try {
      const cutAt = (shares: readonly number[]) => {
        const left = [...shares];
        return (done: number) => {
          if (done < (left[0] ?? 2) * BYTES) return;
          left.shift();
          link.cut();
        };
      };
      const source = await openSource(file);
      const upAt = performance.now();
      const sent = await upload({
        ...{ client: link.client, session: 'api', path: 'big', key: KEY, overwrite: false, mode: 0o640, newHash: nodeHash },
        ...{ source, progress: cutAt([0.3, 0.6]) },
      });
      await source.close();
      const downAt = performance.now();
      expect(sent).toMatchObject({ path: join(work, 'big'), size: BYTES, hash });
      expect(link.connections).toBe(3);
      expect(statSync(join(work, 'big')).mode & 0o777).toBe(0o640);
      expect(readdirSync(work)).toEqual(['big']);

      const sink = await DiskSink.open(join(away, 'back'), 'test');
      const got = await download({
        client: link.client,
        session: 'api',
        path: 'big',
        sink,
        newHash: nodeHash,
        progress: cutAt([0.4, 0.7]),
      });
      await sink.take({ mode: got.mode, overwrite: false });
      expect(got.hash).toBe(hash);
      expect(link.connections).toBe(5);
      expect(hashOfFile(join(away, 'back'))).toBe(hash);
      expect(readdirSync(away).sort()).toEqual(['back', 'big']);
      const seen = await events();
      expect(seen.filter(({ is, cut }) => is === 'written' && cut)).toHaveLength(2);
      expect(seen.filter(({ cut }) => cut === undefined)).toEqual([
        { is: 'written', path: join(work, 'big'), bytes: BYTES, hash },
        expect.objectContaining({ is: 'read', path: join(work, 'big'), bytes: BYTES, hash }),
      ]);
      measured?.said({ up: downAt - upAt, down: performance.now() - downAt });
    } finally {
      measured?.stop();
      link.dispose();
      rmSync(away, { recursive: true, force: true });
      rmSync(join(work, 'big'), { force: true });
    }
  });

  test('of the host itself, killed in the middle of a file, is mended by the next one', async () => {
    const bytes = randomBytes(12 * 1024 * 1024);
    const source = { size: bytes.length, read: async (from: number, max: number) => bytes.subarray(from, from + max) };
    let killed: Promise<unknown> | null = null;
    const kill = (done: number) => {
      if (done > bytes.length / 2) killed ??= engine.killHost().then(() => engine.startHost());
    };
    const sent = await upload({
      client: ann.client,
      session: 'api',
      path: 'big',
      source,
      key: KEY,
      overwrite: false,
      newHash: nodeHash,
      progress: kill,
    });
    await killed;
    expect(sent.hash).toBe(sha256(bytes));
    expect(sha256(readFileSync(join(work, 'big')))).toBe(sha256(bytes));
    expect(readdirSync(work)).toEqual(['big']);
    rmSync(join(work, 'big'));
  });

  test('leaves an upload that is listed, goes on, and can be discarded', async () => {
    const { stream, answer } = await ann.client.openStream('files.write', { session: 'api', path: 'part', size: 10, key: KEY });
    expect(answer).toMatchObject({ from: 0, path: join(work, 'part') });
    stream.write(Buffer.from('01234'));
    const { uploads } = await until(async () => {
      const listed = await ann.client.request('files.uploads', { session: 'api' });
      return listed.uploads[0]?.received === 5 ? listed : null;
    });
    expect(uploads).toMatchObject([{ path: join(work, 'part'), size: 10, received: 5, by: 'ann', sessionName: 'api' }]);
    // It comes again, from somebody who does not know yet that the first link is dead.
    const sent = await put(engine.person('ann'), 'part', '0123456789');
    expect(sent).toMatchObject({ from: 5, hash: sha256('0123456789') });
    expect((await ann.client.request('files.uploads', {})).uploads).toEqual([]);
    rmSync(join(work, 'part'));
  });
});

test('an upload that nobody goes on with for a week is removed', async () => {
  const { stream } = await ann.client.openStream('files.write', { session: 'api', path: 'left', size: 10, key: KEY });
  stream.write(Buffer.from('01234'));
  const isThere = (each: string) => each.startsWith('.left.cmdop-upload') && statSync(join(work, each)).size === 5;
  const name = await until(async () => readdirSync(work).find(isThere) ?? null);
  await engine.killHost();
  const weekAgo = Date.now() / 1_000 - 7 * 24 * 3_600 - 60;
  utimesSync(join(work, name), weekAgo, weekAgo);
  await engine.startHost();
  await until(async () => (readdirSync(work).includes(name) ? null : true));
  expect((await ann.client.request('files.uploads', {})).uploads).toEqual([]);
});

describe('who may', () => {
  test('an observer reads nothing until an owner says so, and then what is in the folder and below', async () => {
    const eve = engine.person('eve');
    eve.attach('api');
    await ann.until(() => ann.sessions.some(({ attached }) => attached.some(({ actor }) => actor.name === 'eve')));
    await ann.client.request('role.set', { session: 'api', actor: 'eve', role: 'observer' });
    writeFileSync(join(work, 'open.txt'), 'for all');
    writeFileSync(join(engine.home, 'secret.txt'), 'not for all');
    symlinkSync('../secret.txt', join(work, 'way-out'));
    await expect(view(eve, 'open.txt')).rejects.toMatchObject({ code: 'observer' });
    await expect(eve.client.request('files.allow', { session: 'api', observers: true })).rejects.toMatchObject({ code: 'not-owner' });
    const { session } = await ann.client.request('files.allow', { session: 'api', observers: true });
    expect(session.observerFiles).toBe(work);
    expect(await view(eve, 'open.txt')).toBe('for all');
    for (const path of [
      '../secret.txt',
      join(engine.home, 'secret.txt'),
      'way-out',
      '/etc/passwd',
      '..',
      'nothing',
      '/proc/self/environ',
    ]) {
      await expect(view(eve, path), path).rejects.toMatchObject({ code: 'observer' });
      await expect(eve.client.request('files.list', { session: 'api', path }), path).rejects.toMatchObject({ code: 'observer' });
    }
    await expect(put(eve, 'mine', 'x')).rejects.toMatchObject({ code: 'observer' });
    await expect(eve.client.request('files.folder', { session: 'api', path: 'mine' })).rejects.toMatchObject({ code: 'observer' });
    await ann.client.request('files.allow', { session: 'api', observers: false });
    await expect(view(eve, 'open.txt')).rejects.toMatchObject({ code: 'observer' });
    rmSync(join(work, 'way-out'));
  });

  test('an agent reads where a rule lets it, asks elsewhere, and never gets cmdop’s own files', async () => {
    const bot = engine.person('bot', { kind: 'agent' });
    writeFileSync(join(work, 'open.txt'), 'for all');
    expect(await view(bot, 'open.txt')).toBe('for all');
    symlinkSync(engine.home, join(work, 'home'));
    const asked = view(bot, 'home/secret.txt');
    await ann.until(() => ann.approvals.some(({ state }) => state === 'pending'));
    const approval = ann.approvals.findLast(({ state }) => state === 'pending');
    // Where it really lies is what is asked for.
    expect(approval).toMatchObject({
      text: `read ${join(realpathSync(engine.home), 'secret.txt')}`,
      kind: 'action',
      actor: { name: 'bot' },
    });
    await ann.client.request('approval.decide', { id: approval?.id ?? 0, decision: 'approve' });
    expect(await asked).toBe('not for all');
    const { stateDir, policyFile } = localPaths({ ...engine.env });
    for (const path of [join(stateDir, 'journal.db'), policyFile, 'home/state/journal.db', '/proc/self/environ']) {
      await expect(view(bot, path), path).rejects.toMatchObject({ code: 'policy' });
    }
    await expect(put(bot, policyFile, '{}', { overwrite: true })).rejects.toMatchObject({ code: 'policy' });
    rmSync(join(work, 'home'));
  });

  test('who is removed gets not one byte more', async () => {
    writeFileSync(join(work, 'long'), randomBytes(4 * 1024 * 1024));
    const dan = engine.person('dan');
    const { stream } = await dan.client.openStream('files.read', { session: 'api', path: 'long' });
    const cut = new Promise<string | undefined>((resolve) => {
      stream.listen({ received: () => {}, ended: () => {}, writable: () => {}, closed: (error) => resolve(error?.message) });
    });
    await ann.client.request('session.kick', { session: 'api', actor: 'dan' });
    stream.used(1024 * 1024);
    stream.used(1024 * 1024);
    expect(await cut).toContain('dan was removed from api');
    await expect(view(dan, 'long')).rejects.toMatchObject({ code: 'kicked' });
    rmSync(join(work, 'long'));
  });
});

test.skipIf(process.getuid?.() !== 0 || process.platform !== 'linux')(
  'a disk that is full, or cannot be written, is said in a sentence, and nothing is left',
  async () => {
    const small = join(work, 'small');
    mkdirSync(small);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', small]);
    try {
      await expect(put(ann, 'small/big', 'x'.repeat(300_000))).rejects.toThrow('does not fit: the disk is full');
      // One that does not say how much it is.
      const source = { size: null, read: async () => Buffer.alloc(64 * 1024) };
      const endless = upload({
        client: ann.client,
        session: 'api',
        path: 'small/endless',
        source,
        key: KEY,
        overwrite: false,
        newHash: nodeHash,
      });
      await expect(endless).rejects.toThrow('does not fit: the disk is full');
      expect(await until(async () => (readdirSync(small).length === 0 ? true : null))).toBe(true);
      writeFileSync(join(small, 'old'), 'old');
      execFileSync('mount', ['-o', 'remount,ro', small]);
      await expect(put(ann, 'small/old', 'new', { overwrite: true })).rejects.toThrow('is on a file system that cannot be written');
      expect(readFileSync(join(small, 'old'), 'utf8')).toBe('old');
    } finally {
      execFileSync('umount', [small]);
    }
  },
);

/** Looks again and again, as a script would; the host tells nobody of files. */
async function until<T>(look: () => Promise<T | null>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== null) return found;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
