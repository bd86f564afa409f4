/** A whole folder sent to a session's machine: named what is left out, asked once about what is there, cancelled, cut and gone on with. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type FolderProgress, FolderUpload } from '#local/copying/folder-upload.ts';
import { type Engine, openEngine } from './engine.ts';
import { cuttingLink } from './file-world.ts';

let engine: Engine;
let link: Awaited<ReturnType<typeof cuttingLink>>;
let from = '';
let there = '';
beforeEach(async () => {
  engine = openEngine();
  await engine.startHost();
  link = await cuttingLink(engine);
  [from, there] = [join(engine.home, 'tree'), join(engine.home, 'there')];
  for (const folder of [from, there, join(from, 'sub'), join(from, 'sub', 'deep')]) mkdirSync(folder);
  await link.client.request('session.create', { name: 'work', command: ['cat'], cwd: there });
  writeFileSync(join(from, 'a.txt'), 'alpha');
  writeFileSync(join(from, 'sub', 'b.bin'), Buffer.alloc(3_000_000, 'b'));
  writeFileSync(join(from, 'sub', 'deep', 'c'), '');
  writeFileSync(Buffer.concat([Buffer.from(`${from}/caf`), Buffer.from([0xe9])]), 'latin');
});
afterEach(async () => {
  link.dispose();
  await engine.dispose();
});

type Sending = { upload: FolderUpload; until(is: (progress: FolderProgress) => boolean): Promise<FolderProgress> };

function send(): Sending {
  const watchers = new Set<() => void>();
  const changed = () => {
    for (const look of [...watchers]) look();
  };
  const upload = new FolderUpload({ client: link.client, session: 'work', from, to: 'tree', changed });
  const until: Sending['until'] = (is) =>
    new Promise((resolve) => {
      const look = () => {
        if (!is(upload.progress)) return;
        watchers.delete(look);
        resolve(upload.progress);
      };
      watchers.add(look);
      look();
    });
  upload.start();
  return { upload, until };
}
const isOver = ({ state }: FolderProgress) => !['looking', 'running'].includes(state);
const text = (name: string) => readFileSync(join(there, 'tree', name), 'utf8');

test('all of it gets there; what is no file is named, and nothing is left out silently', async () => {
  symlinkSync('a.txt', join(from, 'to-file'));
  symlinkSync('sub', join(from, 'to-folder'));
  symlinkSync('nowhere', join(from, 'to-nothing'));
  execFileSync('mkfifo', [join(from, 'pipe')]);
  const done = await send().until(isOver);
  expect(done).toMatchObject({ state: 'done', files: 5, doneFiles: 5, conflicts: 0, path: join(there, 'tree'), message: null });
  expect(done.doneBytes).toBe(done.bytes);
  expect(done.remarks.toSorted()).toEqual(
    [
      `${join(from, 'pipe')} is left out: it is no file`,
      `${join(from, 'to-folder')} is left out: it is a link to a folder`,
      `${join(from, 'to-nothing')} is left out: it is no file`,
    ].toSorted(),
  );
  expect(done.remarkCount).toBe(3);
  expect([text('a.txt'), text('to-file'), text('sub/deep/c'), text('sub/b.bin').length]).toEqual(['alpha', 'alpha', '', 3_000_000]);
  expect(readdirSync(Buffer.from(join(there, 'tree')), { encoding: 'buffer' }).some((name) => name.includes(0xe9))).toBe(true);
  expect(readlinkSync(join(from, 'to-file'))).toBe('a.txt'); // what is here is untouched
});

test('what is there with something else in it is asked about once for all; what is the same is not', async () => {
  mkdirSync(join(there, 'tree', 'sub'), { recursive: true });
  for (const name of ['a.txt', 'sub/b.bin']) writeFileSync(join(there, 'tree', name), 'mine');
  writeFileSync(join(there, 'tree', 'café'), 'other name');
  const { upload, until } = send();
  expect(await until(isOver)).toMatchObject({ state: 'asks', conflicts: 2, doneFiles: 2 });
  expect(text('a.txt')).toBe('mine');
  upload.decide(false);
  const left = await until(({ state }) => state === 'done');
  expect(left.remarks).toHaveLength(2);
  expect(left.remarks[0]).toContain('was there already, and stays as it is');
  expect(text('a.txt')).toBe('mine');

  const again = send();
  expect(await again.until(isOver)).toMatchObject({ state: 'asks', conflicts: 2, doneFiles: 2 }); // the others are the same
  again.upload.decide(true);
  expect(await again.until(({ state }) => state === 'done')).toMatchObject({ doneFiles: 4, remarkCount: 0 });
  expect([text('a.txt'), text('sub/b.bin').length]).toEqual(['alpha', 3_000_000]);
});

test('cut on the way it goes on by itself, and cancelled it goes on when it is begun again', async () => {
  const large = Buffer.alloc(40_000_000, 'x');
  writeFileSync(join(from, 'sub', 'large'), large);
  const { upload, until } = send();
  await until(({ doneBytes }) => doneBytes > 4_000_000);
  link.cut();
  await until(({ doneBytes }) => doneBytes > 12_000_000);
  upload.cancel();
  expect(await until(isOver)).toMatchObject({ state: 'cancelled' });
  expect(readdirSync(join(there, 'tree', 'sub'))).not.toContain('large');
  upload.start();
  const done = await until(({ state }) => state === 'done' || state === 'failed');
  expect(done).toMatchObject({ state: 'done', files: 5, doneFiles: 5, doneBytes: done.bytes });
  expect(readFileSync(join(there, 'tree', 'sub', 'large')).equals(large)).toBe(true);
});

test('a file that stands where a folder is to be is a failure that is named, and the rest gets there', async () => {
  mkdirSync(join(there, 'tree'));
  writeFileSync(join(there, 'tree', 'sub'), 'in the way');
  const failed = await send().until(isOver);
  expect(failed).toMatchObject({ state: 'failed', doneFiles: 2, message: '1 of it could not be sent' });
  expect(failed.remarks[0]).toContain(join(there, 'tree', 'sub'));
  expect(text('sub')).toBe('in the way');
});
