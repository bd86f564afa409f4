/** What a search finds in raw output, and where: through colours, across segments, in whatever bytes a program prints. */
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Offset, SessionId } from '#protocol/ids.ts';
import { OutputLog } from '../../main/host/output/output-log.ts';
import { newMatcher, type Sought } from '../../main/host/search/matcher.ts';
import type { FoundHit, SearchTask, WorkerMessage } from '../../main/host/search/search-messages.ts';
import { searchBytes } from '../../main/host/search/segment-search.ts';

const sought = (text: string, options: Partial<Sought> = {}): Sought => ({ text, regex: false, ignoreCase: false, ...options });
const find = (output: string | Uint8Array, text: string, options?: Partial<Sought>) =>
  searchBytes(Buffer.from(output), newMatcher(sought(text, options)));

describe('in a stretch of output', () => {
  test('a text is found through colours, at its place in the raw bytes', () => {
    const output = 'ok\r\n\x1b[31mfa\x1b[1mil\x1b[0med: 3 tests\r\n';
    expect(find(output, 'failed: 3')).toEqual([{ at: output.indexOf('fa\x1b'), text: 'failed: 3 tests', ranges: [[0, 9]] }]);
  });

  test('each line is found once, with all its matches', () => {
    expect(find('a x a\nb\nx a\n', 'a')).toMatchObject([
      {
        text: 'a x a',
        ranges: [
          [0, 1],
          [4, 5],
        ],
      },
      { text: 'x a' },
    ]);
  });

  test('capitals count, unless they are not to', () => {
    expect(find('Größe ÄNDERN\n', 'ändern')).toEqual([]);
    expect(find('Größe ÄNDERN\n', 'ändern', { ignoreCase: true })).toMatchObject([{ at: Buffer.byteLength('Größe '), ranges: [[6, 12]] }]);
  });

  test('an expression means the line as it is read: its end is before the carriage return', () => {
    expect(find('tick 1\r\ntick 12\r\n', '^tick [0-9]$', { regex: true })).toMatchObject([{ at: 0, text: 'tick 1' }]);
    expect(() => newMatcher(sought('(', { regex: true }))).toThrow('"(" is no regular expression');
  });

  test('an expression that would keep other engines busy for ever answers at once', () => {
    expect(find(`${'a'.repeat(50_000)}b\n`, '(a+)+$', { regex: true })).toEqual([]);
  });

  test('places are right behind bytes that are no text', () => {
    const output = Buffer.concat([Buffer.from([0xff, 0xc3, 0x0a, 0x80, 0x0a]), Buffer.from('é needle\n')]);
    expect(find(output, 'needle')[0]?.at).toBe(output.indexOf('needle'));
  });

  test('of a long line the surroundings are shown, and nothing invisible hides in them', () => {
    const [hit] = find(`${'x'.repeat(9_000)}needle\u202e${'y'.repeat(9_000)}\n`, 'needle');
    expect(hit?.text.length).toBeLessThan(500);
    expect(hit?.text).toContain('needle<U+202E>y');
  });
});

describe('in the segments of a session', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'cmdop-search-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  async function store(...parts: (string | Buffer)[]): Promise<Buffer> {
    const log = await OutputLog.open({ folder, budgetBytes: () => 1e9, wallNow: () => 5_000, stored: () => {}, problem: () => {} });
    let at = 0;
    for (const part of parts) {
      log.append(at as Offset, Buffer.from(part));
      at += Buffer.byteLength(part);
      await log.flushed(); // a segment that is full ends here
    }
    await log.dispose();
    return Buffer.concat(parts.map((part) => Buffer.from(part)));
  }

  function searchAll(text: string, limit = 100): Promise<{ hits: FoundHit[]; messages: WorkerMessage[] }> {
    const task: SearchTask = { sessions: [{ session: 'one' as SessionId, folder }], sought: sought(text), since: null, limit };
    const worker = fork(resolve('main/host/search/search-worker.ts'), { serialization: 'advanced' });
    worker.send(task);
    const messages: WorkerMessage[] = [];
    return new Promise((found, failed) => {
      worker.on('message', (message: WorkerMessage) => messages.push(message));
      worker.on('error', failed);
      worker.on('close', () => found({ hits: messages.flatMap((message) => (message.kind === 'found' ? message.hits : [])), messages }));
    });
  }

  const filler = (bytes: number) => 'build log line\r\n'.repeat(bytes / 16);
  const MIB = 1024 * 1024;

  test('the newest comes first, and a line that two segments share is found once, whole', async () => {
    const whole = await store(
      `first needle\r\n${filler(2 * MIB)}\x1b[3`,
      `1mneed\x1b[0mle across\r\n${filler(2 * MIB)}half a nee`,
      `dle\r\nlast needle\r\n`,
    );
    const { hits, messages } = await searchAll('needle');
    expect(hits.map(({ text }) => text)).toEqual(['last needle', 'half a needle', 'needle across', 'first needle']);
    for (const { offset } of hits) expect(whole.subarray(offset, offset + 4).toString()).toBe('need');
    expect(hits.every(({ at }) => at === 5_000)).toBe(true);
    expect(messages.at(-1)).toEqual({ kind: 'ended', reason: 'complete' });
    expect(messages.at(-2)).toEqual({ kind: 'progress', readBytes: whole.length, totalBytes: whole.length });
  });

  test('output without a line end is looked through as well, across segments', async () => {
    await store(`${'x'.repeat(2 * MIB)}nee`, `dle${'y'.repeat(2 * MIB)}`, 'needle');
    expect((await searchAll('needle')).hits.map(({ offset }) => offset)).toEqual([4 * MIB + 6, 2 * MIB]);
  });

  test('it ends at its limit', async () => {
    await store('needle\n'.repeat(10));
    const { hits, messages } = await searchAll('needle', 3);
    expect(hits.map(({ offset }) => offset)).toEqual([63, 56, 49]);
    expect(messages.at(-1)).toEqual({ kind: 'ended', reason: 'limit' });
  });
});
