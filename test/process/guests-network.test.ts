/**
 * Sharing on an address of a network: real ssh and HTTPS from another machine, which is a network namespace here. Linux, as
 * root, with openssl; skipped elsewhere, and says so.
 */
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nodePath } from '#local/runtime.ts';
import { canHaveSecondMachine, ip, type SecondMachine, startSecondMachine } from '../second-machine.ts';
import { type Engine, openEngine, type Person, type Watched } from './engine.ts';
import { type GuestKey, newGuestKey, sshCommand } from './ssh-guest.ts';
import { openTerminal, type TestTerminal } from './test-terminal.ts';

const mayShare = (): boolean => {
  try {
    execFileSync('openssl', ['version'], { stdio: 'pipe' });
    if (canHaveSecondMachine()) return true;
  } catch {
    // no openssl
  }
  console.log('skipped: guests on a network need Linux, root, network namespaces and openssl');
  return false;
};

/** In the namespace: looks at a link, accepts it, and opens its WebSocket; prints what came of each. */
const BROWSER = `
  const url = new URL(process.argv[1]);
  const page = await fetch(url);
  const accepted = await fetch(url, { method: 'POST', headers: { origin: url.origin }, redirect: 'manual' });
  const cookies = accepted.headers.getSetCookie();
  const cookie = cookies.map((each) => each.split(';')[0]).join('; ');
  const first = await new Promise((done) => {
    const protocols = ['cmdop', accepted.headers.get('location').replace('/#key=', 'key.')];
    const socket = new WebSocket('wss://' + url.host + '/ws', { protocols, headers: { cookie, origin: url.origin } });
    socket.binaryType = 'arraybuffer';
    socket.onmessage = ({ data }) => done(Buffer.from(data).toString());
    socket.onerror = () => done('refused');
  });
  console.log(JSON.stringify({ page: page.status, accepted: accepted.status, isSecure: cookies.every((each) => /; Secure/.test(each)), first }));
  process.exit();
`;

describe.runIf(mayShare())('on an address of a network', () => {
  let machine: SecondMachine;
  /** Of the addresses, `also` is this machine too, and not where we listen. */
  let here: string;
  let also: string;
  let there: string;
  let engine: Engine;
  let ann: Person;
  let view: Watched;
  let key: GuestKey;
  const terminals: TestTerminal[] = [];
  beforeAll(async () => {
    machine = await startSecondMachine();
    [here, also] = machine.here;
    there = machine.there;
    ip('addr', 'add', `${also}/24`, 'dev', machine.device);
    const page = resolve('dist/renderer/index.html');
    mkdirSync(dirname(page), { recursive: true });
    if (!existsSync(page)) writeFileSync(page, '<!doctype html>');
    engine = openEngine();
    await engine.startHost();
    ann = engine.person('ann');
    await ann.client.request('session.create', { name: 'demo', cwd: engine.home });
    view = ann.attach('demo', { size: { cols: 80, rows: 24 } });
    await view.until(/[#$] $/m);
    key = newGuestKey(engine.home, 'ben');
  });
  afterAll(async () => {
    for (const terminal of terminals) terminal.dispose();
    await engine.dispose();
    machine.dispose();
  });

  /** Whether somebody listens there, as this machine sees it. */
  const answers = (address: string, port: number): Promise<boolean> =>
    new Promise((settle) => {
      const socket = connect({ host: address, port }, () => {
        socket.destroy();
        settle(true);
      });
      socket.on('error', () => settle(false));
    });

  const guest = (place: { address: string; port: number }): TestTerminal => {
    const command = [...machine.within, ...sshCommand(engine.home, { place, user: 'demo', key })];
    const env = { PATH: process.env.PATH ?? '', HOME: engine.home, TERM: 'xterm-256color' };
    const terminal = openTerminal(command, { cols: 80, rows: 24, cwd: '/', env });
    terminals.push(terminal);
    return terminal;
  };

  test('plain ssh comes in from there, at that address and no other, until it is stopped', { timeout: 30_000 }, async () => {
    await ann.client.request('share.create', { session: 'demo', name: 'ben', role: 'operator', key: key.publicLine, ssh: true });
    const place = await ann.client.request('share.ssh', { session: 'demo', address: here });
    expect(place.address).toBe(here);
    const ben = guest(place);
    await ben.until('ben, operator of demo');
    ben.type('echo from-$((40+2))\r');
    await view.until('from-42');
    await ann.until(() => attachedFrom(ann, 'ben') !== null);
    expect(attachedFrom(ann, 'ben')).toEqual({ kind: 'ssh', from: there });

    expect(await answers(here, place.port)).toBe(true);
    for (const address of ['127.0.0.1', also, '::1']) expect(await answers(address, place.port), address).toBe(false);
    await ann.client.request('share.ssh.stop', { session: 'demo' });
    await ben.exited;
    await expect.poll(() => answers(here, place.port), { timeout: 5_000 }).toBe(false);
  });

  test('an address that is none of this machine is refused in a sentence', async () => {
    const wrong = ann.client.request('share.ssh', { session: 'demo', address: there });
    await expect(wrong).rejects.toThrow(/name another with --listen/);
  });

  test('everywhere means every address, and only who has a key comes in', { timeout: 30_000 }, async () => {
    const place = await ann.client.request('share.ssh', { session: 'demo', address: '0.0.0.0' });
    for (const address of ['127.0.0.1', here, also]) expect(await answers(address, place.port), address).toBe(true);
    const stranger = newGuestKey(engine.home, 'stranger');
    const at = { address: also, port: place.port };
    const refused = openTerminal([...machine.within, ...sshCommand(engine.home, { place: at, user: 'demo', key: stranger })], {
      cols: 80,
      rows: 24,
      cwd: '/',
      env: { PATH: process.env.PATH ?? '', HOME: engine.home, TERM: 'xterm-256color' },
    });
    terminals.push(refused);
    await refused.until('Permission denied (publickey)');
    expect((await refused.exited).code).toBe(255);
    const ben = guest(at);
    await ben.until('ben, operator of demo');
    await ann.client.request('share.ssh.stop', { session: 'demo' });
    await ben.exited;
  });

  test('a browser link has TLS there: page, cookie and socket, and nothing of it without', { timeout: 30_000 }, async () => {
    const [cert, keyFile] = [join(engine.home, 'cert.pem'), join(engine.home, 'key.pem')];
    const subject = ['-subj', '/CN=cmdop test', '-addext', `subjectAltName=IP:${here}`];
    const made = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
    execFileSync('openssl', [...made, ...subject, '-keyout', keyFile, '-out', cert], { stdio: 'pipe' });
    const wanted = { session: 'demo', name: 'eve', listen: { address: here, port: 0 }, tls: { cert, key: keyFile } };
    const { url, note } = await ann.client.request('share.link', wanted);
    expect(note).toBeUndefined();
    expect(new URL(url).origin).toMatch(new RegExp(`^https://${here}:\\d+$`));
    const [program = '', ...args] = machine.within;
    const browse = (env: Record<string, string>) =>
      promisify(execFile)(program, [...args, nodePath(), '--input-type=module', '-e', BROWSER, url], {
        env: { PATH: process.env.PATH ?? '', ...env },
      });
    // A browser that does not trust the certificate says nothing to whoever shows it: the link is not used up.
    await expect(browse({})).rejects.toThrow(/fetch failed/);
    const { stdout } = await browse({ NODE_EXTRA_CA_CERTS: cert });
    expect(JSON.parse(stdout)).toEqual({ page: 200, accepted: 303, isSecure: true, first: 'cmdop\0v1' });
    const port = Number(new URL(url).port);
    for (const address of ['127.0.0.1', also]) expect(await answers(address, port), address).toBe(false);
    // Without TLS nothing is answered, and so nothing is told.
    await expect(fetch(url.replace('https:', 'http:'))).rejects.toThrow();
  });
});

const attachedFrom = (person: Person, name: string) =>
  person.sessions.find((session) => session.name === 'demo')?.attached.find(({ actor }) => actor.name === name)?.origin ?? null;
