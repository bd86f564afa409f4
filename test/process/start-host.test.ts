/** A host is started apart from whoever starts it: no descriptor, terminal, folder or foreign variable comes along. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cmdop-start-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** What the started program finds of itself, started by a Node whose parent left descriptors 9 and 15 open. */
async function startedProgram(): Promise<{ descriptors: Record<string, string>; cwd: string; group: number; pid: number; env: string[] }> {
  const started = join(folder, 'started.mjs');
  writeFileSync(
    started,
    `import { readdirSync, readlinkSync, readFileSync } from 'node:fs';
    const descriptors = {};
    for (const fd of readdirSync('/proc/self/fd')) {
      try { descriptors[fd] = readlinkSync('/proc/self/fd/' + fd); } catch {}
    }
    const group = Number(readFileSync('/proc/self/stat', 'utf8').replace(/^.*\\) /, '').split(' ')[3]);
    console.log(JSON.stringify({ descriptors, cwd: process.cwd(), group, pid: process.pid, env: Object.keys(process.env) }));`,
  );
  const starter = join(folder, 'starter.mjs');
  const module = (name: string) => JSON.stringify(pathToFileURL(resolve('main/local', name)).href);
  writeFileSync(
    starter,
    `import { spawnApart } from ${module('start-host.ts')};
    import { cleanEnvironment } from ${module('clean-environment.ts')};
    const child = spawnApart([process.execPath, ${JSON.stringify(started)}], cleanEnvironment(process.env));
    child.stdout.pipe(process.stdout);`,
  );
  const env = { ...process.env, ELECTRON_RUN_AS_NODE: '1', npm_lifecycle_event: 'start', SSH_AUTH_SOCK: '/tmp/agent' };
  const shell = spawn('/bin/bash', ['-c', `exec 9</etc/hostname 15</etc/passwd; exec "$@"`, 'bash', process.execPath, starter], { env });
  let output = '';
  shell.stdout.on('data', (bytes: Buffer) => {
    output += bytes.toString();
  });
  await once(shell, 'close');
  return JSON.parse(output);
}

test.runIf(process.platform === 'linux')('it holds no descriptor of the program that started it', async () => {
  const { descriptors } = await startedProgram();
  expect(descriptors[0]).toBe('/dev/null');
  expect(descriptors[1]).toMatch(/^(pipe|socket):/);
  expect(descriptors[2]).toBe('/dev/null');
  const others = Object.entries(descriptors).filter(([fd]) => Number(fd) > 2);
  // Node's own: its event loops, their wake-up pipes, and the listing of this very folder.
  for (const [, target] of others) expect(target).toMatch(/^anon_inode:|^pipe:|^\/proc\/\d+\/fd$|^\/dev\/null$/);
});

test.runIf(process.platform === 'linux')('it leads a session of its own in the root folder, with a clean environment', async () => {
  const { cwd, group, pid, env } = await startedProgram();
  expect(cwd).toBe('/');
  expect(group).toBe(pid);
  expect(env).toContain('SSH_AUTH_SOCK');
  expect(env.filter((name) => /^(ELECTRON_|npm_|NODE_|VITEST)/.test(name))).toEqual([]);
});
