/** A password that is typed without an echo is stored nowhere: not in state, sockets' folder, logs, history or what others see. */
import { execFileSync, spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Engine, openEngine } from './engine.ts';

const { Server } = ssh2;
const SECRET = 'hunter2-Tr0ub4dor';

let engine: Engine;
beforeEach(async () => {
  engine = openEngine();
  await engine.startHost();
});
afterEach(() => engine.dispose());

/** Files below the home that hold the secret, in any byte of them. */
function filesWithSecret(): string[] {
  try {
    const entries = readdirSync(engine.home, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    return entries.map((entry) => join(entry.parentPath, entry.name)).filter((file) => readFileSync(file).includes(SECRET));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return filesWithSecret(); // the host goes on writing there: one got its last name meanwhile
  }
}

type Asking = { command?: string[]; ask: string; prompt: string; answered?: RegExp; again?: string };

const isRoot = process.getuid?.() === 0;
/** What is asked, by which shell, and what shows that the program has the answer. */
const ASKING: Record<string, Asking> = {
  'read -s in bash': { ask: `read -rsp "Password: " p; echo "got $(printf %s "$p" | wc -c)"`, prompt: 'Password: ' },
  'read with the echo off in sh': {
    command: ['/bin/sh', '-i'],
    ask: `stty -echo; printf Password:; read p; stty echo; echo; echo "got $(printf %s "$p" | wc -c)"`,
    prompt: 'Password:',
  },
  'getpass, as passwd and su have it': {
    ask: `python3 -c 'import getpass; print("got", len(getpass.getpass("Password: ")))'`,
    prompt: 'Password: ',
  },
  'psql, before it connects': {
    ask: 'psql -W -h 127.0.0.1 -p 1 -U nobody postgres; echo ended',
    prompt: 'Password: ',
    answered: /^ended/m,
  },
  'ssh to a server that wants a password': {
    ask: 'ssh -F none -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o PreferredAuthentications=password -p $PORT ann@127.0.0.1; echo ended',
    prompt: "ann@127.0.0.1's password: ",
    answered: /Permission denied/,
  },
  sudo: {
    ask: `${isRoot ? 'runuser -u $ACCOUNT -- ' : ''}sudo -k -p 'Password for sudo: ' true; echo ended`,
    prompt: 'Password for sudo: ',
    answered: /Sorry, try again/,
  },
  su: {
    ask: `${isRoot ? 'runuser -u $ACCOUNT -- ' : ''}su -c true root; echo ended`,
    prompt: 'Password: ',
    answered: /Authentication failure[\s\S]*^ended/m,
  },
  'mysql -p': { ask: 'mysql -p -h 127.0.0.1 -P 1; echo ended', prompt: 'Enter password: ', answered: /ended/ },
  'passwd for an account of its own': {
    ask: `passwd ${'$'}ACCOUNT; echo ended`,
    prompt: 'New password: ',
    again: 'Retype new password: ',
    answered: /updated successfully[\s\S]*^ended/m,
  },
};

const can = (program: string) => spawnSync(program, ['--version']).error === undefined;
const NEEDS: Record<string, () => boolean> = {
  'getpass, as passwd and su have it': () => can('python3'),
  'psql, before it connects': () => can('psql'),
  'ssh to a server that wants a password': () => can('ssh'),
  // Root is asked for no password: then an account of the test's own is.
  sudo: () => can('sudo') && (!isRoot || can('runuser')),
  su: () => can('su') && (!isRoot || can('runuser')),
  'mysql -p': () => can('mysql'),
  // Not in a home folder of somebody: only where tests may make an account.
  'passwd for an account of its own': () => isRoot && can('passwd') && can('useradd'),
};
const available = Object.entries(ASKING).filter(([name]) => NEEDS[name]?.() ?? true);

/** A server that knows no password, and an account that exists while `use` runs. */
async function withStrangers(name: string, use: (variables: string) => Promise<void>): Promise<void> {
  const server = new Server(
    { hostKeys: [generateKeyPairSync('rsa', { modulusLength: 2048, privateKeyEncoding: PEM, publicKeyEncoding: SPKI }).privateKey] },
    (client) => {
      client.on('authentication', (attempt) => attempt.reject(['password']));
      client.on('error', () => {}); // the client gives up
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const account = `cmdop-test-${process.pid}`;
  const isAccount = name.startsWith('passwd') || (isRoot && (name === 'sudo' || name === 'su'));
  if (isAccount) execFileSync('useradd', ['-M', '-s', '/usr/sbin/nologin', account]);
  try {
    await use(`PORT=${(server.address() as AddressInfo).port}; ACCOUNT=${account}`);
  } finally {
    server.close();
    if (isAccount) execFileSync('userdel', [account]);
  }
}
const PEM = { type: 'pkcs1', format: 'pem' } as const;
const SPKI = { type: 'spki', format: 'pem' } as const;

/** As the terminal itself says it. */
function isEchoOff(shellPid: number | null): boolean {
  const modes = execFileSync('stty', ['-F', readlinkSync(`/proc/${shellPid}/fd/0`), '-a'], { encoding: 'utf8' });
  return /(^|\s)-echo\b/m.test(modes) && /(^|\s)icanon\b/m.test(modes);
}

test.each(available)('%s', async (name, { command, ask, prompt, answered, again }) => {
  const [ann, ben] = [engine.person('ann'), engine.person('ben')];
  await ann.client.request('session.create', { name: 'shell', cwd: '/', ...(command ? { command } : {}) });
  const [view, observer] = [ann.attach('shell'), ben.attach('shell', { role: 'observer' })];
  const { shellPid } = await ann.client.request('session.inspect', { session: 'shell' });
  await withStrangers(name, async (variables) => {
    await view.until('# ');
    await view.type(`${variables}; echo set\r`);
    await view.until(/^set\n.*#/m); // what is typed before the prompt is there is echoed in another order
    await view.type(`${ask}\r`);
    const output = () => Buffer.concat(view.received.bytes).toString();
    // At the start of a line, or after the shell's mark: not in the echo of the command.
    const isAsked = (text: string) => new RegExp(`[\\r\\n\\x07]${text}`).test(output());
    for (const each of [prompt, ...(again ? [again] : [])]) {
      await view.until(() => isAsked(each));
      // Some print first and turn the echo off then; who types in between is seen by everyone, in any terminal.
      await expect.poll(() => isEchoOff(shellPid), { interval: 5, timeout: 10_000 }).toBe(true);
      for (const key of SECRET) await view.type(key);
      await view.type('\r');
    }
    await view.until(answered ?? `got ${SECRET.length}`);
    if (name.startsWith('ssh') || name === 'sudo') await view.type('\x03');
    await ben.until(() => ben.typing.some(({ secret }) => secret === true));
    if (answered === undefined) {
      await view.type('echo after\r');
      await observer.until('\nafter');
    }
  });
  expect(observer.text() + Buffer.concat(observer.received.bytes).toString()).not.toContain(SECRET);
  const { commands } = await ann.client.request('history.list', { session: 'shell' });
  const { events } = await ann.client.request('journal.list', { session: 'shell', after: 0, limit: 500 });
  expect(JSON.stringify([commands, events, ann.commands, ben.typing])).not.toContain(SECRET);
  const secrets = events.filter(({ kind, payload }) => kind === 'input' && payload.secret === true);
  expect(secrets.length).toBeGreaterThanOrEqual(SECRET.length);
  expect(secrets.some(({ payload }) => 'bytes' in payload)).toBe(false);
  await ann.client.request('output.read', { session: 'shell', from: 0 as never }); // waits until all is stored
  await engine.killHost();
  await engine.startHost(); // which reads what the keeper remembers
  await ann.client.request('session.screen', { session: 'shell' });
  expect(filesWithSecret()).toEqual([]);
});

test('a password that is asked for before the host knows of the command is one all the same', async () => {
  const ann = engine.person('ann');
  await ann.client.request('session.create', { name: 'shell', cwd: '/' });
  const view = ann.attach('shell');
  await view.until('# ');
  // The prompt begins what was typed ahead, so that the host reads of the prompt first, and of the command when it has asked.
  await view.type(`PS0='$(sleep 0.2)'; stty -echo; echo set\r`);
  await view.until(/^set\n.*#/m);
  await view.type('sleep 0.3\r');
  await view.type(`printf Password:; read p; echo "got $(printf %s "$p" | wc -c)"\r`);
  await view.until(() => Buffer.concat(view.received.bytes).includes('Password:'));
  await view.type(`${SECRET}\r`);
  await view.until(`got ${SECRET.length}`);
  const { events } = await ann.client.request('journal.list', { session: 'shell', kinds: ['input'] });
  expect(events.map(({ payload }) => payload.bytes ?? payload.secret)).not.toContain(SECRET.length + 1);
  expect(events.at(-1)?.payload).toMatchObject({ secret: true });
});

test('an agent answers no password prompt, whatever the policy says', async () => {
  engine.policy();
  await engine.killHost();
  await engine.startHost();
  const [ann, bot] = [engine.person('ann'), engine.person('bot', { kind: 'agent' })];
  await ann.client.request('session.create', { name: 'shell', cwd: '/' });
  const [view, typist] = [ann.attach('shell'), bot.attach('shell')];
  await view.until('# ');
  expect(await typist.type('read -rsp "Password: " p; echo "got $p"\r')).toMatchObject({ verdict: 'applied' });
  await view.until(/^Password: /m);
  expect(await typist.type(`${SECRET}\r`)).toMatchObject({ verdict: 'refused', reason: 'secret-prompt' });
  await view.type('mine\r');
  await view.until('got mine');
  expect(filesWithSecret()).toEqual([]);
});

test.runIf(process.platform === 'linux')(
  'the host holds a terminal that it asks, and lets go of it when the program has exited',
  async () => {
    const ann = engine.person('ann');
    await ann.client.request('session.create', { name: 'cat', command: ['cat'], cwd: '/' });
    const view = ann.attach('cat');
    const { shellPid } = await ann.client.request('session.inspect', { session: 'cat' });
    const terminal = readlinkSync(`/proc/${shellPid}/fd/0`);
    const held = () => {
      const folder = `/proc/${engine.host?.pid}/fd`;
      return readdirSync(folder).filter((fd) => linkOf(join(folder, fd)) === terminal).length;
    };
    await view.type('one\r');
    await view.type('two\r');
    await view.until(/two[\s\S]*two/); // cat may have both lines at once, after both echoes
    expect(held()).toBe(1);
    await view.type('\x04');
    await view.until(() => view.end !== null);
    expect(view.end).toMatchObject({ reason: 'exited', code: 0 });
    expect(held()).toBe(0);
  },
);

/** Null for what is gone by now. */
function linkOf(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null; // closed meanwhile
  }
}
