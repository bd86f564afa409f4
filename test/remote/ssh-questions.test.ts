/** What servers ask and how they misbehave: passwords, second factors, banners, silence and rubbish. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AuthContext } from 'ssh2';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { SshLink } from '../../main/remote/ssh/link.ts';
import { newSecrets, type Secrets } from '../../main/remote/ssh/secrets.ts';
import { openSshLink } from '../../main/remote/ssh-link.ts';
import { type Answers, answering } from './answers.ts';
import { type OddServer, oddHostLine, startOddServer, startTalker } from './odd-server.ts';
import { type KeyFile, newKey } from './sshd.ts';

let folder: string;
let key: KeyFile;
let secrets: Secrets;
const cleanups: (() => unknown)[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cmdop-odd-'));
  key = newKey({ folder, name: 'key' });
});

beforeEach(() => {
  secrets = newSecrets();
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

afterAll(() => rmSync(folder, { recursive: true }));

async function serve(behaviour: Parameters<typeof startOddServer>[0]): Promise<OddServer> {
  const server = await startOddServer(behaviour);
  cleanups.push(() => server.dispose());
  return server;
}

type Options = { ask?: Answers; lines?: string[]; signal?: AbortSignal };

async function open(port: number, { ask = answering(), lines = [], signal }: Options = {}): Promise<SshLink> {
  const configFile = join(folder, 'config');
  const always = ['HostName 127.0.0.1', `Port ${port}`, 'User ann', 'IdentityAgent none'];
  const known = join(folder, 'known');
  writeFileSync(known, `${oddHostLine(port)}\n`);
  const files = [`UserKnownHostsFile ${known}`, `IdentityFile ${key.path}`];
  writeFileSync(configFile, ['Host box', ...[...lines, ...always, ...files].map((line) => `  ${line}`), ''].join('\n'));
  const link = await openSshLink({ host: 'box', configFile, ask, secrets, ...(signal ? { signal } : {}) });
  cleanups.push(() => link.close());
  return link;
}

const asksPassword = (right: string) => (attempt: AuthContext) => {
  if (attempt.method === 'password' && attempt.password === right) attempt.accept();
  else attempt.reject(['password']);
};

describe('a password', () => {
  test('is asked three times, remembered by the process, and forgotten once it is refused', async () => {
    let right = 'secret';
    const server = await serve({ authenticate: (attempt) => asksPassword(right)(attempt) });
    const ask = answering({ secrets: ['wrong', 'again', 'secret'] });
    const link = await open(server.port, { ask });
    expect(ask.secrets.map(({ prompt, kind, isEchoed }) => [kind, isEchoed, prompt])).toEqual([
      ['password', false, 'Password for ann@127.0.0.1'],
      ['password', false, 'Permission denied: once more, the password for ann@127.0.0.1'],
      ['password', false, 'Permission denied: once more, the password for ann@127.0.0.1'],
    ]);
    expect(link.describe()).toBe(`ann@127.0.0.1:${server.port}, password`);

    const unasked = answering();
    await open(server.port, { ask: unasked });
    expect(unasked.secrets).toEqual([]);

    right = 'new';
    const anew = answering({ secrets: ['new'] });
    await open(server.port, { ask: anew });
    expect(anew.secrets).toHaveLength(1);
  });

  test('that was wrong three times is enough', async () => {
    const server = await serve({ authenticate: asksPassword('secret') });
    const ask = answering({ secrets: ['a', 'b', 'c', 'd'] });
    await expect(open(server.port, { ask })).rejects.toMatchObject({
      code: 'unauthorized',
      message: expect.stringContaining('tried password; it accepts password'),
    });
    expect(ask.secrets).toHaveLength(3);
  });

  test('that nobody gives ends the attempt, and the server sees none', async () => {
    const seen: string[] = [];
    const server = await serve({
      authenticate: (attempt) => {
        seen.push(attempt.method);
        attempt.reject(['password']);
      },
    });
    await expect(open(server.port)).rejects.toMatchObject({ code: 'unauthorized', message: expect.stringContaining('given up') });
    expect(seen).not.toContain('password');
  });

  test('is not asked with PasswordAuthentication no', async () => {
    const server = await serve({ authenticate: asksPassword('secret') });
    const ask = answering({ secrets: ['secret'] });
    await expect(open(server.port, { ask, lines: ['PasswordAuthentication no'] })).rejects.toMatchObject({
      message: expect.stringContaining('cmdop was not to use password'),
    });
    expect(ask.secrets).toEqual([]);
  });
});

describe('questions of the server', () => {
  test('are all asked in order, with what stands above them, and hidden unless the server shows them', async () => {
    const given: string[][] = [];
    const server = await serve({
      authenticate: (attempt) => {
        if (attempt.method !== 'keyboard-interactive') return attempt.reject(['keyboard-interactive']);
        const prompts = [
          { prompt: 'Token name: ', echo: true },
          { prompt: '\x1b[2JCode: ', echo: false },
        ];
        attempt.prompt(prompts, 'Second factor', 'Use your token.', (answers) => {
          given.push(answers ?? []);
          attempt.prompt([{ prompt: 'PIN: ', echo: false }], (pin) => {
            given.push(pin ?? []);
            attempt.accept();
          });
        });
      },
    });
    const ask = answering({ secrets: ['blue', '123456', '0000'] });
    const link = await open(server.port, { ask });
    const common = { kind: 'interactive', host: 'box', user: 'ann' };
    expect(ask.secrets).toEqual([
      { ...common, prompt: 'Token name:', isEchoed: true, instruction: 'Second factor\nUse your token.' },
      { ...common, prompt: '[2JCode:', isEchoed: false, instruction: 'Second factor\nUse your token.' },
      { ...common, prompt: 'PIN:', isEchoed: false },
    ]);
    expect(given).toEqual([['blue', '123456'], ['0000']]);
    expect(link.describe()).toContain('answers to its questions');
  });

  test('for the password are answered once with what was right before, and asked again once it is refused', async () => {
    let right = 'secret';
    let refusals = 0;
    const server = await serve({
      authenticate: (attempt) => {
        if (attempt.method !== 'keyboard-interactive') return attempt.reject(['keyboard-interactive']);
        // As PAM does it, with a second factor.
        attempt.prompt([{ prompt: 'Password: ', echo: false }], ([password]) => {
          attempt.prompt([{ prompt: 'Verification code: ', echo: false }], ([code]) => {
            if (password === right && code === '42') return attempt.accept();
            refusals++;
            attempt.reject(['keyboard-interactive']);
          });
        });
      },
    });
    const asked = async (...answers: string[]) => {
      const ask = answering({ secrets: answers });
      await open(server.port, { ask });
      return ask.secrets.map(({ prompt }) => prompt);
    };
    expect(await asked('wrong', '42', 'secret', '42')).toEqual(['Password:', 'Verification code:', 'Password:', 'Verification code:']);
    expect(await asked('42')).toEqual(['Verification code:']);
    expect(await asked('42')).toEqual(['Verification code:']);

    right = 'new';
    refusals = 0;
    expect(await asked('42', 'new', '42')).toEqual(['Verification code:', 'Password:', 'Verification code:']);
    expect(refusals).toBe(1);
    expect(await asked('42')).toEqual(['Verification code:']);
  });

  test.each([
    ['seen', [{ prompt: 'Password: ', echo: true }]],
    ['of other words', [{ prompt: 'One-time password: ', echo: false }]],
    [
      'one of several',
      [
        { prompt: 'Password: ', echo: false },
        { prompt: 'Password: ', echo: false },
      ],
    ],
  ])('are all asked anew where the answer is %s', async (_what, prompts) => {
    const server = await serve({
      authenticate: (attempt) => {
        if (attempt.method !== 'keyboard-interactive') return attempt.reject(['keyboard-interactive']);
        attempt.prompt(prompts, () => attempt.accept());
      },
    });
    for (let logins = 0; logins < 2; logins++) {
      const ask = answering({ secrets: ['123456', '123456'] });
      await open(server.port, { ask });
      expect(ask.secrets).toHaveLength(prompts.length);
    }
  });

  test('come after a key where the server wants both', async () => {
    let hasKey = false;
    const server = await serve({
      authenticate: (attempt) => {
        if (attempt.method === 'publickey') {
          if (!attempt.signature) return attempt.accept();
          hasKey = true;
          // The right key, and more is wanted.
          return attempt.reject(['keyboard-interactive'], true);
        }
        if (attempt.method !== 'keyboard-interactive' || !hasKey) return attempt.reject([hasKey ? 'keyboard-interactive' : 'publickey']);
        attempt.prompt([{ prompt: 'Code: ', echo: false }], (answers) => (answers?.[0] === '42' ? attempt.accept() : attempt.reject()));
      },
    });
    const link = await open(server.port, { ask: answering({ secrets: ['42'] }) });
    expect(link.describe()).toContain(`key ${key.path} and answers to its questions (${key.fingerprint})`);
  });

  test('that nobody answers end the attempt', async () => {
    const server = await serve({
      authenticate: (attempt) => {
        if (attempt.method !== 'keyboard-interactive') return attempt.reject(['keyboard-interactive']);
        attempt.prompt([{ prompt: 'Code: ', echo: false }], () => attempt.reject(['keyboard-interactive']));
      },
    });
    await expect(open(server.port)).rejects.toMatchObject({ code: 'unauthorized', message: expect.stringContaining('given up') });
  });

  test('without end are not answered without end', async () => {
    const server = await serve({
      authenticate: (attempt) => {
        if (attempt.method !== 'keyboard-interactive') return attempt.reject(['keyboard-interactive']);
        const again = () => attempt.prompt([{ prompt: 'More: ', echo: true }], again);
        again();
      },
    });
    const ask = answering({ secrets: new Array(1_000).fill('x') });
    await expect(open(server.port, { ask })).rejects.toMatchObject({ message: expect.stringContaining('given up') });
    expect(ask.secrets).toHaveLength(32);
  });
});

describe('a server', () => {
  test('may greet: its banner is shown without its control characters', async () => {
    const server = await serve({
      config: { banner: 'Welcome\x1b]0;evil\x07 to the box\r\n' },
      authenticate: (attempt) => attempt.accept(),
    });
    const ask = answering();
    await open(server.port, { ask });
    expect(ask.notices).toContain('Welcome]0;evil to the box');
  });

  test('that wants no proof at all lets in, and the link says so', async () => {
    const server = await serve({ authenticate: (attempt) => attempt.accept() });
    expect((await open(server.port)).login.proof).toEqual({ method: 'none', label: 'no proof asked', fingerprint: null });
  });

  test('that hangs up right after the login: the link closes with the reason', async () => {
    const server = await serve({
      authenticate: (attempt, connection) => {
        attempt.accept();
        connection.end();
      },
    });
    const outcome = await open(server.port).then(
      (link) => new Promise<Error | undefined>((resolve) => link.onClosed(resolve)),
      (error: Error) => error,
    );
    expect(outcome?.message).toMatch(/127\.0\.0\.1|box/);
  });

  test('that hangs up during the login refuses nobody: another attempt may do', async () => {
    const server = await serve({ authenticate: (_attempt, connection) => connection.end() });
    await expect(open(server.port)).rejects.toMatchObject({
      code: 'host-unreachable',
      message: expect.stringMatching(/broke during the login as ann \(it closed the connection\)/),
    });
  });

  test('that has no patience with a person who does not answer: it is not asked again by itself', async () => {
    const server = await serve({ authenticate: asksPassword('secret') });
    let withdrawn = false;
    const absent: Answers = Object.assign(answering(), {
      secret: (_question: unknown, over?: AbortSignal) => {
        for (const connection of server.connections) connection.end(); // as sshd after LoginGraceTime
        return new Promise<null>((resolve) => {
          over?.addEventListener('abort', () => {
            withdrawn = true;
            resolve(null);
          });
        });
      },
    });
    await expect(open(server.port, { ask: absent })).rejects.toMatchObject({
      code: 'unauthorized',
      message: expect.stringContaining('nobody answered in time'),
    });
    expect(withdrawn).toBe(true);
  });

  test('that disconnects because nothing else may be tried refuses', async () => {
    const NO_MORE_AUTH_METHODS_AVAILABLE = 14;
    const server = await serve({
      // The package offers no other reason than its own.
      authenticate: (_attempt, connection) => Reflect.get(connection, '_protocol').disconnect(NO_MORE_AUTH_METHODS_AVAILABLE),
    });
    await expect(open(server.port)).rejects.toMatchObject({
      code: 'unauthorized',
      message: expect.stringContaining('does not let you in'),
    });
  });

  test('that does not forward sockets: the refusal is told, and programs still run', async () => {
    const server = await serve({
      authenticate: (attempt) => attempt.accept(),
      opened: (connection) => {
        connection.on('ready', () => {
          connection.on('session', (accept) => {
            accept().on('exec', (take, _reject, { command }) => {
              const channel = take();
              channel.write(`ran ${command}`);
              channel.stderr.write('and said this');
              channel.exit(7);
              channel.end();
            });
          });
        });
      },
    });
    const link = await open(server.port);
    await expect(link.streamLocal('/run/x.sock')).rejects.toMatchObject({ code: 'host-unreachable', data: { refused: 'prohibited' } });
    const program = await link.exec('true');
    const said = program.stderr.toArray();
    const out = await program.stream.toArray();
    expect(Buffer.concat(out).toString()).toBe('ran true');
    expect(Buffer.concat(await said).toString()).toBe('and said this');
    expect(await program.exited).toEqual({ code: 7, signal: null });
  });

  test.each([
    ['a web server', 'HTTP/1.1 400 Bad Request\r\n\r\n', true],
    ['hanging up', '', true],
    ['rubbish for packets', `SSH-2.0-x\r\n${'\xff'.repeat(4_000)}`, false],
    ['a line without end', 'x'.repeat(100_000), true],
  ])('that is none, but %s: one sentence', async (_what, bytes, hangsUp) => {
    const talker = await startTalker(Buffer.from(bytes, 'latin1'), { hangsUp });
    cleanups.push(() => talker.dispose());
    const failure = await open(talker.port, { lines: ['ConnectTimeout 2'] }).catch((error: Error) => error);
    expect(failure).toMatchObject({ code: 'host-unreachable', message: expect.stringMatching(/^127\.0\.0\.1 port \d+ .{1,400}\?$/s) });
  });

  test('that never says a word is given up after ConnectTimeout', async () => {
    const talker = await startTalker('');
    cleanups.push(() => talker.dispose());
    await expect(open(talker.port, { lines: ['ConnectTimeout 1'] })).rejects.toMatchObject({
      code: 'host-unreachable',
      message: expect.stringContaining('does not answer as an SSH server within 1 s'),
    });
  });

  test('is given up at once when the person does not want it any more', async () => {
    const talker = await startTalker('');
    cleanups.push(() => talker.dispose());
    const aborted = new AbortController();
    const attempt = open(talker.port, { signal: aborted.signal });
    setImmediate(() => aborted.abort());
    await expect(attempt).rejects.toMatchObject({ message: expect.stringContaining('given up') });
  });

  test('with no algorithm in common is told so', async () => {
    const server = await serve({ config: { algorithms: { cipher: ['aes256-cbc'] } }, authenticate: (attempt) => attempt.accept() });
    await expect(open(server.port)).rejects.toMatchObject({
      code: 'bad-configuration',
      message: expect.stringMatching(/no algorithm in common.*Ciphers/),
    });
    await open(server.port, { lines: ['Ciphers +aes256-cbc'] });
  });
});
