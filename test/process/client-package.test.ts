/** `cmdop/client` as a user gets it: the packed package in an empty folder, the README's own example, tsc, and a plain Node. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { nodePath } from '#local/runtime.ts';
import { endEverythingOf } from './end-everything.ts';

const root = resolve(import.meta.dirname, '../..');
let folder = '';
let env: Record<string, string> = {};

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cmdop-p-'));
  env = { PATH: process.env.PATH ?? '', HOME: folder, CMDOP_HOME: join(folder, 'h'), SHELL: '/bin/bash', LANG: 'C.UTF-8' };
  mkdirSync(join(folder, 'h'));
  writeFileSync(join(folder, '.bash_profile'), "PS1='$ '\n");
  const packed = ok('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder], root).trim();
  // The PTY as it was compiled here: that it compiles elsewhere is not what is tested, and takes long.
  const overrides = { 'node-pty': `file:${resolve(root, 'node_modules/node-pty')}` };
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'user', type: 'module', private: true, overrides }));
  ok('npm', ['install', '--offline', '--ignore-scripts', '--no-audit', '--no-fund', '--silent', join(folder, packed)]);
});
afterAll(() => {
  endEverythingOf(join(folder, 'h'));
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
});

function ok(program: string, args: string[], cwd = folder): string {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd, env: { ...process.env, ...env }, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} exited with ${status}: ${stdout}${stderr}`);
  return stdout;
}

/** Checks its types as a user's own project would, then runs it. */
function program(name: string, source: string): string {
  writeFileSync(join(folder, name), source);
  const compilerOptions = {
    ...{ target: 'ES2023', lib: ['ES2024', 'ESNext.Disposable'], module: 'nodenext', strict: true, noEmit: true, skipLibCheck: false },
    ...{ types: ['node'], typeRoots: [resolve(root, 'node_modules/@types')], allowImportingTsExtensions: true },
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: [name] }));
  ok(nodePath(), [resolve(root, 'node_modules/typescript/bin/tsc'), '-p', '.']);
  return ok(nodePath(), [name]);
}

test('the example of the README compiles and does what it says', () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const [, source = ''] = /## From a program\n[\s\S]*?```ts\n([\s\S]*?)```/.exec(readme) ?? [];
  expect(source.trim().split('\n').length).toBeLessThanOrEqual(12);
  const said = source.match(/console\.log.*\/\/ (.*)$/gm)?.map((line) => line.replace(/.*\/\/ /, ''));
  expect(program('example.ts', source).trimEnd().split('\n')).toEqual(said);
});

test('a stream has every byte once, across the crash of a host; failures have codes; a signal gives up', () => {
  const said = program(
    'more.ts',
    `import { connect, CmdopError } from 'cmdop/client';
import { execFileSync } from 'node:child_process';
const cmdop = await connect({ name: 'streamer' });
const session = await cmdop.create({ name: 'numbers', size: { cols: 100, rows: 30 } });
await session.run('true');
const { outputEnd } = await session.info();
await session.send('for i in $(seq 1 3000); do echo "line $i."; [ $i = 1500 ] && sleep 1; done; exit 3', { enter: true });
let bytes = 0, text = '', killed = false;
for await (const chunk of session.stream({ from: outputEnd })) {
  if (chunk.from !== outputEnd + bytes) throw new Error('a gap or a byte twice at ' + chunk.from);
  bytes = chunk.to - outputEnd;
  text += chunk.text;
  if (!killed && text.includes('line 1500.')) {
    killed = true;
    const status = JSON.parse(execFileSync('node_modules/.bin/cmdop', ['host', 'status', '--json'], { encoding: 'utf8' }));
    process.kill(status.pid, 'SIGKILL');
  }
}
const numbers = [...text.matchAll(/^line (\\d+)\\.$/gm)].map(([, n]) => Number(n));
console.log(numbers.length, numbers.every((n, at) => n === at + 1));
console.log((await session.info()).state, (await session.info()).exitCode);
const code = (work: Promise<unknown>) => work.then(() => 'none', (error: unknown) => (error instanceof CmdopError ? error.code : String(error)));
console.log(await code(session.run('ls')), await code(cmdop.session('nobody')));
await using busy = await cmdop.create({ name: 'busy' });
console.log(await code(busy.run('sleep 30', { timeoutMs: 300 })), await code(busy.run('ls')));
console.log(await code(busy.waitFor({ prompt: true }, { signal: AbortSignal.timeout(100) })));
await busy.interrupt();
await busy.waitFor({ prompt: true });
await busy.send('not to be run');
await busy.press('Ctrl+U');
await busy.resize({ cols: 61, rows: 17 });
console.log((await busy.run('stty size')).output.trim(), (await busy.screen()).size.cols);
const big = new Uint8Array(3_000_000).map((_, at) => (at * 2654435761) >>> 24);
await busy.run('mkdir -p sub && cd sub');
await busy.files.write('big.bin', big, { mode: 0o640 });
const [entry] = await busy.files.list();
const read = await busy.files.read('big.bin');
console.log(entry?.name, entry?.size, entry?.mode.toString(8), Buffer.compare(read, big), (await busy.run('sha256sum < big.bin | cut -c1-8')).exitCode);
console.log(await code(busy.files.write('big.bin', 'x')), await code(busy.files.read('none')), (await busy.files.write('big.bin', 'x', { overwrite: true })).endsWith('/sub/big.bin'));
console.log((await cmdop.list()).map(({ name, state }) => name + ' ' + state).join(', '));
await cmdop.close();
`,
  );
  expect(said.trimEnd().split('\n')).toEqual([
    '3000 true',
    'ended 3',
    'session-ended session-not-found',
    'timeout busy',
    expect.stringMatching(/^TimeoutError/),
    '17 61 61',
    'big.bin 3000000 640 0 0',
    'file-exists file-not-found true',
    'nightly ended, numbers ended, busy running',
  ]);
});

test('what was printed before it is waited for is found: the blank that ends a question, and what scrolled away', () => {
  const said = program(
    'early.ts',
    `import { connect } from 'cmdop/client';
const cmdop = await connect({ name: 'asker' });
await using session = await cmdop.create({ name: 'asked' });
await session.run('true');
await session.send('read -p "Who? " who; seq 1 3000', { enter: true });
while (!(await session.screen()).lines.some((line) => line.startsWith('Who?'))) await session.waitFor({ idleMs: 50 });
const onlooker = await connect({ name: 'onlooker' });
const seen = await onlooker.session('asked');
const question = { regex: /^Who\\? $/m };
console.log((await session.waitFor(question)).line + '|' + (await seen.waitFor(question)).line + '|');
await session.send('me', { enter: true });
await session.waitFor({ idleMs: 500 });
console.log((await session.screen()).lines.includes('17'), (await session.waitFor({ regex: /^17$/m })).line);
await session.kill();
await onlooker.close();
await cmdop.close();
`,
  );
  expect(said.trimEnd().split('\n')).toEqual(['Who? |Who? |', 'false 17']);
});
