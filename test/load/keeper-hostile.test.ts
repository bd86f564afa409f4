/**
 * Hosts that are broken, from a seed: the session goes on, its keeper does not grow, and touches no memory that is not its
 * own, as the compiler's sanitizers see it.
 *
 * CMDOP_FUZZ_SECONDS is how long at most, CMDOP_FUZZ_CASES how many frames (20 000, or what the seconds allow), CMDOP_FUZZ_SEED
 * where they begin.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeInput, type Frame, FrameDecoder } from '#protocol/frames.ts';
import type { Channel, ClientId, Epoch, Seq } from '#protocol/ids.ts';
import { nativeKeeper, nodeKeeper } from '../../main/host/keepers/keeper-program.ts';
import { TOKEN_BYTES } from '../../main/keeper/wire.ts';
import { randomFrom } from '../contract/random-streams.ts';
import { KeeperWorld, type Kept } from '../process/keeper-world.ts';
import { conversation, frameOf, hostileSpec, oddUnit, strangerTalk } from './fuzz/keeper.ts';
import { below, bytesOf, cut, joined, type Random } from './fuzz/mutate.ts';

const { CMDOP_FUZZ_SECONDS: seconds, CMDOP_FUZZ_CASES: cases, CMDOP_FUZZ_SEED: seed } = process.env;
const SEED = Number(seed ?? 1);
const SECONDS = Number(seconds ?? 60);
const FRAMES = Number(cases ?? (seconds ? Number.POSITIVE_INFINITY : 20_000));
const SPECS = Math.max(100, Math.min(FRAMES, 100_000) / 200);
const LIMIT = { timeout: SECONDS * 1000 + 60_000 };
/** Frames of a connection: then comes what is broken. */
const TOGETHER = 40;
/** Each host that says hello takes the session from the one before. */
const AT_ONCE = 3;
/** Delegations of one host. */
const ROUNDS = 20;
/** Connections between which a host that is none of these looks after the session. */
const BETWEEN = 24;

const native = nativeKeeper();
const SANITIZED = ['-std=c17', '-D_GNU_SOURCE', '-O1', '-g', '-Wall', '-Wextra', '-Werror', '-fsanitize=address,undefined'];
const NOTHING = { input: 'int main(void) { return 0; }' };
const canSanitize =
  process.platform === 'linux' && spawnSync('cc', [...SANITIZED, '-o', '/dev/null', '-x', 'c', '-'], NOTHING).status === 0;

const folder = mkdtempSync(join(tmpdir(), 'cmdop-sanitized-'));
const sanitized = { file: join(folder, 'cmdop-keeper'), args: ['session'.padEnd(48)] };
const reports = join(folder, 'reports');
/** A keeper has no stderr: a report goes to a file. What was freed is not kept for long, that growth can be seen. */
const OPTIONS = `log_path=${reports}/report:quarantine_size_mb=1:print_stacktrace=1:detect_leaks=0`;
const env = { ASAN_OPTIONS: OPTIONS, UBSAN_OPTIONS: OPTIONS };

beforeAll(() => {
  if (!canSanitize) return;
  mkdirSync(reports);
  const sources = readdirSync('main/keeper/native').filter((name) => name.endsWith('.c'));
  const paths = sources.map((name) => join('main/keeper/native', name));
  const made = spawnSync('cc', [...SANITIZED, '-fno-sanitize-recover=all', '-o', sanitized.file, ...paths, '-lm'], { encoding: 'utf8' });
  expect(made.stderr).toBe('');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What the sanitizers said so far. */
const reported = () => readdirSync(reports).map((name) => readFileSync(join(reports, name), 'utf8'));

const residentMb = ({ child }: Kept) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1024;

/** One connection, to its end; some do not read what they are sent. */
async function talk(kept: Kept, random: Random): Promise<void> {
  const socket = connect(kept.spec.socket)
    .on('error', () => {})
    .resume();
  const closed = new Promise((resolve) => socket.once('close', resolve));
  if (random() < 0.1) socket.pause();
  for (const chunk of cut(random, conversation(random, TOGETHER))) {
    if (socket.destroyed) break;
    socket.write(chunk);
    if (random() < 0.3) await new Promise((resolve) => setImmediate(resolve));
  }
  if (random() < 0.1) socket.destroy();
  else socket.end();
  if (!socket.isPaused()) await closed;
  else setTimeout(() => socket.destroy(), below(random, 20));
}

let words = 0;
/** A host as it should be: what it types comes back, where the program gives it back. */
async function expectServed(world: KeeperWorld, kept: Kept, isEchoing: boolean): Promise<void> {
  const host = await world.host(kept, 1e15);
  host.drop();
  await host.next('dropped');
  if (isEchoing) {
    const word = `served ${++words};`;
    host.write(`calm ${words}`, 1, word);
    await host.says(word);
    host.send({ kind: 'forget', client: `calm ${words}` as never });
  }
  host.socket.end();
  await host.until(() => host.isClosed);
}

/**
 * A host that delegates typing again and again, among strangers: all that its program reads is what it is told, or writes
 * itself. Answers how many units it was told of.
 */
async function shift(world: KeeperWorld, kept: Kept, seed: number): Promise<number> {
  const random = randomFrom(seed);
  const host = await world.host(kept, 1e15);
  const base = host.hello.end;
  expect(host.hello.ledger.every(([, { accepted }]) => Number.isSafeInteger(accepted))).toBe(true);
  let [token, seq, heard] = [bytesOf(random, TOKEN_BYTES), 0, 0];
  const expected: Uint8Array[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    const strangers = Array.from({ length: below(random, 8) }, () => connected(kept, [strangerTalk(random, token)]));
    token = bytesOf(random, TOKEN_BYTES);
    host.send({ kind: 'delegate', client: `ann ${seed}` as ClientId, channel: 7 as Channel, epoch: 3 as Epoch, token });
    const units = Array.from({ length: below(random, TOGETHER) }, () =>
      encodeInput({ channel: 7 as Channel, epoch: 3 as Epoch, seq: ++seq as Seq, bytes: Buffer.from(`<${seq}>`) }),
    );
    const isTyping = units.length > 0 && random() < 0.7;
    if (random() < 0.5) units.push(oddUnit(random, ++seq));
    const ann = connected(kept, [frameOf(13, token), ...cut(random, joined(...units))]);
    if (!isTyping && random() < 0.3) ann.socket.pause();
    const wrong = token.map((byte) => byte ^ 1);
    for (let more = below(random, 20); more > 0; more--) strangers.push(connected(kept, [strangerTalk(random, wrong)]));
    const told = host.count('typed');
    if (isTyping) await host.until(() => ann.isClosed || host.count('typed') > told);
    if (random() < 0.2) ann.socket.destroy();
    host.send({ kind: 'recall' });
    await host.until(() => host.count('recalled') === round);
    const typed = host.heard.slice(heard).flatMap((message) => (message.kind === 'typed' ? [message] : []));
    heard = host.heard.length;
    for (const { client, bytes } of typed) {
      expect(client).toBe(`ann ${seed}`);
      expected.push(bytes);
    }
    seq = Math.max(seq, ...typed.map((unit) => unit.seq));
    const own = Buffer.from(`[${round}]`);
    host.write('ben', ++written, own);
    expected.push(own);
    const wanted = Buffer.concat(expected);
    await host.until(() => host.bytes.length >= wanted.length);
    expect(host.bytes.equals(wanted)).toBe(true);
    expect(host.bytes.includes('STRANGER')).toBe(false);
    for (const frame of ann.frames) {
      if (frame.kind !== 'output') continue;
      const at = frame.offset - base;
      expect(host.bytes.subarray(at, at + frame.bytes.length).equals(frame.bytes)).toBe(true);
    }
    for (const { socket } of [ann, ...strangers]) socket.destroy();
    if (seq > Number.MAX_SAFE_INTEGER - 1000) break; // the last number there is
  }
  host.socket.destroy();
  return host.count('typed');
}
let written = 0;

/** Says all of this, and hears what a client hears. */
function connected(kept: Kept, words: Iterable<Uint8Array>): { socket: Socket; frames: Frame[]; isClosed: boolean } {
  const decoder = new FrameDecoder();
  const one = { socket: connect(kept.spec.socket), frames: [] as Frame[], isClosed: false };
  one.socket
    .on('error', () => {})
    .on('close', () => {
      one.isClosed = true;
    })
    .on('data', (bytes) => one.frames.push(...decoder.push(new Uint8Array(bytes))));
  for (const each of words) one.socket.write(each);
  return one;
}

const KINDS = [
  { name: 'C, sanitized', program: sanitized, share: 1, growthMb: 60 },
  ...(native ? [{ name: 'C', program: native, share: 0.25, growthMb: 24 }] : []),
  { name: 'JavaScript', program: nodeKeeper(), share: 0.1, growthMb: 120 },
];

describe.runIf(canSanitize).each(KINDS)('hostile hosts of a keeper in $name', ({ program, share, growthMb }) => {
  const campaign = async (script: string, isEchoing: boolean) => {
    const world = new KeeperWorld(program);
    try {
      const kept = await world.start({ args: ['-c', script] }, { env });
      const until = Date.now() + (SECONDS * 1000) / (KINDS.length + 1);
      let [frames, firstMb, mostMb] = [0, 0, 0];
      for (let n = 0; frames < (FRAMES * share) / 2 && Date.now() < until; n += AT_ONCE, frames += AT_ONCE * TOGETHER) {
        await Promise.all(Array.from({ length: AT_ONCE }, (_, more) => talk(kept, randomFrom(SEED + n + more))));
        if (n % BETWEEN > 0) continue;
        await expectServed(world, kept, isEchoing).catch((error) => {
          throw new Error(`until seed ${SEED + n + AT_ONCE}: ${reported().join('\n').slice(0, 5000)}`, { cause: error });
        });
        mostMb = Math.max(mostMb, residentMb(kept));
        if (n <= 2 * BETWEEN) firstMb = mostMb;
      }
      await expectServed(world, kept, isEchoing);
      console.log(`${frames} frames, ${firstMb.toFixed(1)} MB, then at most ${mostMb.toFixed(1)} MB`);
      expect(reported()).toEqual([]);
      expect(mostMb - firstMb).toBeLessThan(growthMb);
    } finally {
      world.dispose();
    }
  };
  test.concurrent('a program that gives back what it reads goes on', LIMIT, () => campaign('stty raw -echo; exec cat', true));
  test.concurrent('a program that reads nothing goes on', LIMIT, () => campaign('stty raw -echo; exec sleep 1000', false));

  test.runIf(program !== KINDS.at(-1)?.program)(
    'who may type past the host types what the host is told, and nobody else types',
    LIMIT,
    async () => {
      const world = new KeeperWorld(program);
      try {
        const kept = await world.start({ args: ['-c', 'stty raw -echo; printf ready; exec cat'] }, { env });
        const first = await world.host(kept);
        await first.says('ready');
        const until = Date.now() + (SECONDS * 1000) / (KINDS.length + 1);
        let [shifts, units] = [0, 0];
        for (; shifts * ROUNDS * TOGETHER < (FRAMES * share) / 2 && Date.now() < until; shifts++) {
          units += await shift(world, kept, SEED + shifts).catch((error) => {
            throw new Error(`seed ${SEED + shifts}: ${reported().join('\n').slice(0, 5000)}`, { cause: error });
          });
        }
        await expectServed(world, kept, true);
        console.log(`${shifts} hosts, ${units} units, ${residentMb(kept).toFixed(1)} MB`);
        expect(reported()).toEqual([]);
        expect(residentMb(kept)).toBeLessThan(growthMb);
        expect(units).toBeGreaterThan(shifts * ROUNDS);
      } finally {
        world.dispose();
      }
    },
  );
});

test.runIf(canSanitize)('what a keeper is told to start, it starts, or says that it does not', LIMIT, async () => {
  const world = new KeeperWorld(sanitized);
  const answers = { ready: 0, error: 0 };
  const next = async (n: number) => {
    const spec = { session: 's', socket: `${world.folder}/${n}.sock`, meta: { a: [1] }, file: '/bin/true', args: ['a', 'ü'] };
    const more = { env: { A: 'b=c', LONG: 'x'.repeat(2000) }, cwd: '/', cols: 80, rows: 24, startOffset: 7, banner: 'hello\r\n' };
    const words = hostileSpec(randomFrom(SEED + n), { ...spec, ...more });
    const { child, said } = await world.start({}, { words, env, cwd: world.folder });
    expect(said, `seed ${SEED + n}: ${Buffer.from(words).toString().slice(0, 3000)}`).toMatch(/^(ready\n|error: .*\n|)$/);
    if (said === '') expect([words.length, child.exitCode, child.signalCode, reported()], `seed ${SEED + n}`).toEqual([0, 0, null, []]);
    answers[said === 'ready\n' ? 'ready' : 'error']++;
    child.kill('SIGKILL');
  };
  try {
    for (let n = 0; n < SPECS; n += 4) await Promise.all([next(n), next(n + 1), next(n + 2), next(n + 3)]);
    expect(reported()).toEqual([]);
    expect(Math.min(answers.ready, answers.error)).toBeGreaterThan(SPECS / 10);
  } finally {
    world.dispose();
  }
});
