/** Two apps, two people: one invites in the window, the other joins in theirs, with a key that their app keeps. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { formatJoinCode, parseJoinCode } from '#local/join-code.ts';
import { type Desktop, PATIENCE_MS, startWorld, takePicture, typeIntoTerminal, type World, waitForScreen } from './launch.ts';
import { accessibilityFaults, contrastFaults } from './looks.ts';
import { type RemoteMachine, startRemoteMachine } from './remote-machine.ts';

/** Chromium's own scrambling, as on a desktop without a keychain. */
const WITHOUT_KEYCHAIN = ['--password-store=basic'];

let annsWorld: World;
let bobsWorld: World;
/** Another machine, with a real sshd. */
let far: RemoteMachine;
let ann: Desktop;
let bob: Desktop;
/** As ann's window gave it. */
let line = '';

beforeAll(async () => {
  annsWorld = startWorld();
  bobsWorld = startWorld();
  await annsWorld.cmdop('host', 'share-socket', '--group', String(process.getgid?.()));
  for (const name of ['demo', 'payroll']) await annsWorld.cmdop('new', name, '--detach', '--cwd', annsWorld.home);
  await annsWorld.cmdop('say', 'demo', 'said before any window');
  far = await startRemoteMachine();
  [ann, bob] = await Promise.all([annsWorld.desktop(), bobsDesktop()]);
}, 60_000);
afterAll(async () => {
  await bobsWorld?.dispose();
  await annsWorld?.dispose();
  await far?.dispose();
});

const bobsDesktop = (link?: string) =>
  bobsWorld.desktop({ args: WITHOUT_KEYCHAIN, env: { CMDOP_ACTOR: 'bob', ...far.env }, ...(link ? { link } : {}) });
const keyFile = () => join(bobsWorld.home, 'state', 'app-key.json');
/** With the tab of his own machine in front, and his preferences written. */
const leave = async () => {
  await bob.page.getByRole('tab').filter({ hasNotText: 'demo' }).click();
  const preferences = () => JSON.parse(readFileSync(join(bobsWorld.home, 'app', 'preferences.json'), 'utf8'));
  await expect.poll(() => preferences().activeTab).toContain('cmdop://local/');
  await bob.app.close();
};
const openJoin = async (page: Page, text: string) => {
  await page.keyboard.press('Control+Shift+P');
  await page.keyboard.type('Join somebody');
  await page.keyboard.press('Enter');
  const dialog = page.getByTestId('join-dialog');
  await dialog.getByLabel('What they sent you').fill(text);
  await dialog.getByRole('button', { name: 'Look at it' }).click();
  return dialog;
};
const refusal = async (page: Page, text: string) => {
  const dialog = await openJoin(page, text);
  const sentence = await dialog.getByRole('alert').innerText();
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  return sentence;
};
const lookAt = async (page: Page, name: string) => {
  for (const scheme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.locator(`html[data-scheme="${scheme}"]`).waitFor();
    await takePicture(page, `${name}-${scheme}`);
    expect.soft(await contrastFaults(page), `${name}, ${scheme}`).toEqual([]);
    expect.soft(await accessibilityFaults(page), `${name}, ${scheme}`).toEqual([]);
  }
};

test('bob pastes what ann’s window gave her to send, sees what it is to, and joins', async () => {
  const { page } = ann;
  await page.getByTestId('session-row').filter({ hasText: 'demo' }).getByRole('button').first().click();
  await page.getByTestId('session-row').filter({ hasText: 'demo' }).click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Share…' }).click();
  const share = page.getByTestId('share-dialog');
  await share.getByLabel('Name').fill('bob');
  await share.getByLabel('Role').selectOption('operator');
  await share.getByRole('button', { name: 'Invite' }).click();
  line = await share.getByTestId('share-line').innerText();
  await share.getByRole('button', { name: 'Done' }).click();

  await takePicture(bob.page, 'joining-empty');
  await bob.page.getByRole('button', { name: 'Join somebody’s session…' }).click();
  const dialog = bob.page.getByTestId('join-dialog');
  await dialog.getByLabel('What they sent you').fill(line);
  await lookAt(bob.page, 'joining-code');
  await dialog.getByRole('button', { name: 'Look at it' }).click();
  await dialog.getByRole('heading', { name: 'ann invites you to demo' }).waitFor();
  const facts = await dialog.getByTestId('invite-facts').innerText();
  expect(facts).toMatch(/bob, operator: you look on, and may type/);
  expect(facts).toContain(parseJoinCode(line).host);
  await lookAt(bob.page, 'joining-facts');
  const invites = JSON.parse(await annsWorld.cmdop('invites', '--json')) as { state: string; key: string | null }[];
  expect(invites).toMatchObject([{ state: 'open', key: null }]); // looking uses nothing

  await dialog.getByLabel('Call it').fill('ann-box');
  await bob.page.keyboard.press('Enter');
  await waitForScreen(bob.page, '$ ');
  const tab = bob.page.getByTestId('tab');
  expect(await tab.innerText()).toMatch(/demo[\s\S]*operator/);
  await typeIntoTerminal(bob.page, 'echo from-$((40+2))\n');
  await waitForScreen(ann.page, /^from-42$/m);
  const row = ann.page.getByTestId('actor-row').filter({ hasText: 'bob' });
  expect(await row.innerText()).toMatch(/guest[\s\S]*operator[\s\S]*proved the key SHA256:/);
});

test('his window has this session and his own machine, and offers of ann’s only what he may do', async () => {
  const { page } = bob;
  await lookAt(page, 'joining-joined');
  const group = page.getByTestId('host-group').filter({ hasText: 'ann-box' });
  expect(await group.getByTestId('session-row').allInnerTexts()).toEqual([expect.stringContaining('demo')]);
  expect(await group.getByRole('button', { name: /New session/ }).count()).toBe(0);
  await page.keyboard.press('Control+Shift+P');
  const palette = page.getByRole('dialog');
  await palette.getByText('Search in terminal').waitFor();
  for (const title of ['Kill session', 'Rename session', 'Share this session'])
    expect(await palette.getByText(title).count(), title).toBe(0);
  await page.keyboard.press('Escape');
  await page.keyboard.press('Control+Shift+T'); // on his own machine
  await expect.poll(async () => JSON.parse(await bobsWorld.cmdop('ls', '--json')).length).toBe(1);
  await page.getByRole('tab').filter({ hasText: 'demo' }).click();

  await annsWorld.cmdop('role', 'demo', 'bob', 'observer');
  await expect.poll(() => page.getByTestId('tab-role').innerText()).toBe('observer');
  await page.getByTestId('control-bar').getByText('an owner of the session made you an observer').waitFor();
  await annsWorld.cmdop('role', 'demo', 'bob', 'operator');
  await expect.poll(() => page.getByTestId('tab-role').innerText()).toBe('operator');
});

test('what was said before he came is there, with who and when, and what is said now stands behind it, once', async () => {
  const words = (page: Page) => page.getByTestId('said').allInnerTexts();
  await expect.poll(() => words(bob.page)).toEqual([expect.stringMatching(/ann \d\d:\d\d\nsaid before any window$/)]);
  await bob.page.keyboard.press('Control+Shift+M');
  await bob.page.keyboard.type('I am here');
  await bob.page.keyboard.press('Enter');
  await annsWorld.cmdop('point', 'demo', '--lines', '1..2', '--text', 'look');
  for (const { page } of [ann, bob])
    await expect
      .poll(() => words(page))
      .toEqual([
        expect.stringContaining('before any window'),
        expect.stringMatching(/bob .*\nI am here$/),
        expect.stringMatching(/pointed at 2 lines: look$/),
      ]);
  const pid = await annsWorld.hostPid();
  if (pid !== null) process.kill(pid, 'SIGKILL'); // both windows come back, and ask again
  await annsWorld.cmdop('say', 'demo', 'while you were away');
  for (const { page } of [ann, bob]) {
    await expect.poll(() => words(page), { timeout: PATIENCE_MS }).toHaveLength(4);
    expect((await words(page)).at(-1)).toContain('while you were away');
  }
  await bob.page.keyboard.press('Escape');
  await lookAt(bob.page, 'joining-conversation');
});

test('his key is the app’s own: in a file for him alone where there is no keychain, which is said, and never in the page', async () => {
  const stored = readFileSync(keyFile(), 'utf8');
  expect(statSync(keyFile()).mode & 0o777).toBe(0o600);
  expect(JSON.parse(stored).kept).toBe('plain');
  const { page } = bob;
  await page.keyboard.press('Control+Shift+P');
  await page.keyboard.type('Key of this app');
  await page.keyboard.press('Enter');
  const dialog = page.getByTestId('app-key-dialog');
  await dialog.getByText('this desktop offers the app no keychain').waitFor();
  expect(await dialog.getByTestId('app-public-key').innerText()).toBe(JSON.parse(stored).publicKey);
  await lookAt(page, 'joining-key');
  await page.keyboard.press('Escape');
  const told = await page.evaluate(async () =>
    JSON.stringify(await (window as unknown as { cmdop: { key(): Promise<object> } }).cmdop.key()),
  );
  expect(told).not.toContain('PRIVATE');
  // The command line has another one, and says why it does not come in.
  const { key } = JSON.parse(await bobsWorld.cmdop('key', '--json')) as { key: string };
  expect(key).not.toBe(JSON.parse(stored).publicKey);
  await expect(bobsWorld.cmdop('-H', 'ann-box', 'ls')).rejects.toThrow(/if you joined in the app, come in there/);
});

test('what is in the way of an invite is a sentence', async () => {
  const { page } = bob;
  const code = parseJoinCode(line);
  expect(await refusal(page, 'cmdop join cmdop-xyz')).toContain('this is no code of `cmdop share`');
  expect(await refusal(page, formatJoinCode({ ...code, secret: 'x'.repeat(32) }))).toContain('this code is not one of this host');
  const other = `SHA256:${'a'.repeat(43)}`;
  expect(await refusal(page, formatJoinCode({ ...code, host: other }))).toContain('is not the host that you joined');
  expect(await refusal(page, formatJoinCode({ ...code, socket: '/nowhere/host.sock' }))).toContain(
    'nobody shares at /nowhere/host.sock now',
  );
  const carl = JSON.parse(await annsWorld.cmdop('share', 'payroll', '--with', 'carl', '--expires', '1s', '--json'));
  await expect.poll(async () => await annsWorld.cmdop('invites', '--all')).toMatch(/carl.*expired/);
  expect(await refusal(page, carl.code)).toContain('has expired');
  const dora = JSON.parse(await annsWorld.cmdop('share', 'payroll', '--with', 'dora', '--json'));
  await annsWorld.cmdop('revoke', dora.invite.id);
  expect(await refusal(page, dora.code)).toContain('was revoked by the owner');
  const eve = JSON.parse(await annsWorld.cmdop('share', 'payroll', '--with', 'eve', '--json'));
  await bobsWorld.cmdop('join', eve.code);
  expect(await refusal(page, eve.code)).toContain('was used already');
});

test('after a start the tab is there again; a damaged key is said to be one, and is not replaced', async () => {
  await leave();
  const key = readFileSync(keyFile(), 'utf8');
  writeFileSync(keyFile(), key.slice(0, 40));
  bob = await bobsDesktop();
  await bob.page.getByTestId('host-trouble').getByText('the key of this app is damaged').waitFor();
  await takePicture(bob.page, 'joining-damaged');
  expect(readFileSync(keyFile(), 'utf8')).toBe(key.slice(0, 40));
  writeFileSync(keyFile(), key);
  await bob.page.getByTestId('host-trouble').getByRole('button', { name: 'Try again' }).click();
  await bob.page.getByRole('tab').filter({ hasText: 'demo' }).click();
  await waitForScreen(bob.page, /^from-42$/m);
  expect(await bob.page.getByTestId('tab').filter({ hasText: 'demo' }).innerText()).toContain('operator');
});

test('a link shows its invite and reaches nothing by itself; revoked, he is told why', async () => {
  const seen = await annsWorld.cmdop('share', 'payroll', '--with', 'bob', '--json').then((text) => JSON.parse(text));
  await leave();
  bob = await bobsDesktop(`cmdop://join/${seen.code}`);
  const dialog = bob.page.getByTestId('join-dialog');
  await dialog.getByText('Nothing is reached before you look at it').waitFor();
  expect(parseJoinCode(await dialog.getByLabel('What they sent you').inputValue())).toEqual(parseJoinCode(seen.code));
  await takePicture(bob.page, 'joining-link');
  await dialog.getByRole('button', { name: 'Look at it' }).click();
  await dialog.getByRole('heading', { name: 'ann invites you to payroll' }).waitFor();
  await dialog.getByRole('button', { name: 'Join', exact: true }).click();
  await expect.poll(() => bob.page.getByRole('tab').filter({ hasText: 'payroll' }).innerText()).toContain('observer');

  await ann.page.getByRole('button', { name: 'Revoke the invite of bob' }).click();
  await bob.page.getByRole('tab').filter({ hasText: 'demo' }).click();
  await bob.page.getByTestId('offline-banner').getByText('has revoked the invite').waitFor();
  await takePicture(bob.page, 'joining-revoked');
});

test('on another machine he joins over ssh: what ssh must know is asked on the way, and refused it is not accepted', async () => {
  const { page } = bob;
  await far.cmdop('host', 'share-socket', '--group', String(process.getgid?.()));
  await far.cmdop('new', 'deploy', '--detach');
  const { code } = JSON.parse(await far.cmdop('share', 'deploy', '--with', 'bob', '--role', 'operator', '--json'));
  const look = async (): Promise<Locator> => {
    await page.keyboard.press('Control+Shift+P');
    await page.keyboard.type('Join somebody');
    await page.keyboard.press('Enter');
    const dialog = page.getByTestId('join-dialog');
    await dialog.getByLabel('What they sent you').fill(code);
    await dialog.getByLabel('SSH').fill(far.name);
    await dialog.getByRole('button', { name: 'Look at it' }).click();
    return dialog;
  };
  const question = page.getByTestId('host-key-dialog');
  const refused = await look();
  await question.getByRole('button', { name: 'Cancel' }).click();
  await refused.getByRole('alert').getByText('was not accepted, and nothing was sent there').waitFor();
  await page.keyboard.press('Escape');
  const dialog = await look();
  await question.waitFor();
  await takePicture(page, 'joining-ssh-question');
  await question.getByRole('button', { name: 'Trust and remember' }).click();
  await dialog.getByRole('heading', { name: 'far invites you to deploy' }).waitFor();
  await dialog.getByLabel('Call it').fill('ann-box');
  await dialog.getByRole('button', { name: 'Join', exact: true }).click();
  await dialog.getByRole('alert').getByText('choose another name').waitFor(); // and the code is not used by it
  await dialog.getByLabel('Call it').fill('far-box');
  await dialog.getByRole('button', { name: 'Join', exact: true }).click();
  await waitForScreen(page, 'far$ ');
  await typeIntoTerminal(page, 'echo over-$((6*7))\n');
  await waitForScreen(page, /^over-42$/m);
});
