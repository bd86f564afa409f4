/** A host is started apart from whoever starts it: no descriptor, terminal, folder or foreign variable comes along. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { closingDescriptors } from '#local/start-host.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cmdop-start-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const START_MODULE = JSON.stringify(pathToFileURL(resolve('main/local/start-host.ts')).href);
const ENVIRONMENT_MODULE = JSON.stringify(pathToFileURL(resolve('main/local/clean-environment.ts')).href);

function script(name: string, source: string): string {
  const file = join(folder, name);
  writeFileSync(file, source);
  return file;
}

async function outputOf(command: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const [program = '', ...rest] = command;
  const child = spawn(program, rest, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (bytes: Buffer) => {
    output += bytes.toString();
  });
  await once(child, 'close');
  return output;
}

/** Descriptors above 2 of a program, with what they lead to, started by a process that leaves 9 and 15 open as Chromium does. */
async function inheritedDescriptors(wrap: (command: readonly string[]) => readonly string[]): Promise<number[]> {
  // A shell, for Node marks every descriptor it inherits as its own.
  const list = wrap(['/bin/sh', '-c', 'ls -l /proc/$$/fd']);
  const listing = await outputOf(['/bin/bash', '-c', 'exec 9</etc/hostname 15</etc/passwd; exec "$@"', 'bash', ...list]);
  return [...listing.matchAll(/ (\d+) -> /g)].map(([, fd]) => Number(fd)).filter((fd) => fd > 2);
}

test.runIf(process.platform === 'linux')('it holds no descriptor of the program that started it', async () => {
  expect(await inheritedDescriptors(closingDescriptors)).toEqual([]);
  // And the test bites: started plainly, both come along.
  expect(await inheritedDescriptors((command) => command)).toEqual(expect.arrayContaining([9, 15]));
});

test.runIf(process.platform === 'linux')('it leads a session of its own in the root folder, with a clean environment', async () => {
  const started = script(
    'started.mjs',
    `import { readFileSync, readlinkSync } from 'node:fs';
    const leader = Number(readFileSync('/proc/self/stat', 'utf8').replace(/^.*\\) /, '').split(' ')[3]);
    const streams = [0, 1, 2].map((fd) => readlinkSync('/proc/self/fd/' + fd));
    console.log(JSON.stringify({ streams, cwd: process.cwd(), isLeader: leader === process.pid, env: Object.keys(process.env) }));`,
  );
  const starter = script(
    'starter.mjs',
    `import { spawnApart } from ${START_MODULE};
    import { cleanEnvironment } from ${ENVIRONMENT_MODULE};
    spawnApart([process.execPath, ${JSON.stringify(started)}], cleanEnvironment(process.env)).stdout.pipe(process.stdout);`,
  );
  const env = { ...process.env, ELECTRON_RUN_AS_NODE: '1', npm_lifecycle_event: 'start', SSH_AUTH_SOCK: '/tmp/agent' };
  const found = JSON.parse(await outputOf([process.execPath, starter], env));
  expect(found).toMatchObject({ cwd: '/', isLeader: true, streams: ['/dev/null', expect.stringMatching(/^(pipe|socket):/), '/dev/null'] });
  expect(found.env).toContain('SSH_AUTH_SOCK');
  // NODE_EXTRA_CA_CERTS is the user's, not the Node that runs us.
  expect(found.env.filter((name: string) => /^(ELECTRON_|npm_|NODE_(?!EXTRA_CA_CERTS)|VITEST)/.test(name))).toEqual([]);
});
