/** What SSH has to say beside a session, of the configuration and from the server: once, and never into the session's picture. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Far, startFar } from './far.ts';

const banner = join(tmpdir(), `cmdop-banner-${process.pid}`);
const UNSUPPORTED = 'does not support canonicalizehostname';

let far: Far;
beforeAll(async () => {
  writeFileSync(banner, 'Authorized use only.\n');
  far = await startFar({ config: [`Banner ${banner}`] });
  const config = join(far.near.home, '.ssh', 'config');
  writeFileSync(config, `${readFileSync(config, 'utf8')}  CanonicalizeHostname yes\n`);
});
afterAll(async () => {
  await far.dispose();
  rmSync(banner);
});

const times = (text: string, part: string) => text.split(part).length - 1;

test('notices come once, before the session has the terminal, and new ones after it', async () => {
  const terminal = far.near.terminal(['new', 'work', '-H', 'devbox'], { cols: 120 });
  await terminal.until(/^\$$/m);
  const before = terminal.raw();
  expect([UNSUPPORTED, 'Authorized use only.'].map((part) => times(before, part))).toEqual([1, 1]);

  await far.sshd.kill();
  await terminal.until('devbox is gone since');
  await far.sshd.start();
  terminal.type('echo one-$((1 + 1))\r');
  await terminal.until(/^one-2$/m);
  writeFileSync(banner, 'Maintenance at noon.\n');
  for (const word of ['two', 'three']) {
    far.sshd.cutConnections();
    terminal.type(`echo ${word}-$((1 + 1))\r`);
    await terminal.until((lines) => lines.includes(`${word}-2`) && !lines.join('\n').includes('is gone since'));
  }
  const picture = terminal.raw().slice(before.length);
  for (const part of [UNSUPPORTED, 'Authorized', 'Maintenance']) expect(picture).not.toContain(part);
  const session = ['one', 'two', 'three'].flatMap((word) => [`$ echo ${word}-$((1 + 1))`, `${word}-2`]).concat('$');
  await terminal.until((lines) => lines.join('\n').trim() === session.join('\n'));

  terminal.type('\x1c');
  expect(await terminal.exited).toMatchObject({ code: 0 });
  const after = terminal.raw().slice(before.length);
  expect([UNSUPPORTED, 'Authorized', 'cmdop: Maintenance at noon.'].map((part) => times(after, part))).toEqual([0, 0, 1]);
});
