/** What a page of the app cannot do, whatever runs in it: leave, open windows, get permissions, run foreign code, read other files. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Desktop, startWorld, type World } from './launch.ts';

const OWN_PAGE = 'app://cmdop/index.html';

let world: World;
let desktop: Desktop;

beforeAll(async () => {
  world = startWorld();
  desktop = await world.desktop();
});
afterAll(() => world?.dispose());

/** The window is still cmdop's, the only one, and alive. */
async function expectUnmoved(): Promise<void> {
  const { app, page } = desktop;
  expect(await page.evaluate(() => document.querySelector('[data-testid="status-bar"]')?.getAttribute('data-link'))).toBe('connected');
  expect(await app.evaluate(({ webContents }) => webContents.getAllWebContents().map((each) => each.getURL()))).toEqual([OWN_PAGE]);
}

/**
 * Resolves once the app listens, to what it will answer when its page next wants to go somewhere: app and page are
 * spoken to over two connections, so a page told to leave first might be heard first.
 */
async function nextNavigation(): Promise<{ answer: Promise<{ url: string; isRefused: boolean }> }> {
  const answer = await desktop.app.evaluateHandle(({ BrowserWindow }) => ({
    navigation: new Promise<{ url: string; isRefused: boolean }>((resolve) => {
      const contents = BrowserWindow.getAllWindows()[0]?.webContents;
      contents?.once('will-frame-navigate', (event) => resolve({ url: event.url, isRefused: event.defaultPrevented }));
    }),
  }));
  return { answer: answer.evaluate(({ navigation }) => navigation) };
}

test('the page is sandboxed, isolated and without Node', async () => {
  const found = await desktop.page.evaluate(() =>
    ['require', 'process', 'module', 'Buffer', 'global', 'electron'].filter((name) => name in window),
  );
  expect(found).toEqual([]);
  const preferences = await desktop.app.evaluate(({ BrowserWindow }) => {
    const [window] = BrowserWindow.getAllWindows();
    // Electron tells it, its types do not.
    const { sandbox, contextIsolation, nodeIntegration, webviewTag, webSecurity } = Reflect.get(
      window?.webContents ?? {},
      'getLastWebPreferences',
    ).call(window?.webContents);
    return { sandbox, contextIsolation, nodeIntegration, webviewTag, webSecurity };
  });
  expect(preferences).toEqual({ sandbox: true, contextIsolation: true, nodeIntegration: false, webviewTag: false, webSecurity: true });
});

/** Whoever adds one gives it to whatever runs in the page. */
const GIVEN = [
  ...[
    'answer',
    'connect',
    'connectKeeper',
    'decideFolder',
    'endForward',
    'endJoining',
    'forward',
    'forwards',
    'hostBuild',
    'hosts',
    'identity',
  ],
  ...['install', 'join', 'key', 'lookAtInvite', 'notify', 'onEvent', 'openExternal', 'pathOf', 'preferences', 'readClipboard'],
  ...['savePreferences', 'sendFolder', 'setTitle', 'writeClipboard'],
];

test('it is given these functions and no other, and can change none of them', async () => {
  const given = await desktop.page.evaluate(() => {
    const api = window.cmdop ?? {};
    const before = Reflect.get(api, 'connect');
    Reflect.set(api, 'connect', () => 'changed');
    return {
      functions: Object.entries(api).flatMap(([name, each]) => (typeof each === 'function' ? [name] : [])),
      isFixed: Reflect.get(api, 'connect') === before,
    };
  });
  expect(given.functions.toSorted()).toEqual(GIVEN);
  expect(given.isFixed).toBe(true);
});

test('it holds no token, cookie or path: not in its address, its storage or what it is given', async () => {
  const held = await desktop.page.evaluate(() => ({
    address: location.href,
    cookie: document.cookie,
    stored: [...Object.entries(localStorage), ...Object.entries(sessionStorage)],
    given: JSON.stringify(window.cmdop),
  }));
  expect(held).toMatchObject({ address: OWN_PAGE, cookie: '', stored: [] });
  expect(held.given).not.toContain(world.home);
});

test('it reaches no socket but those of sessions', async () => {
  const run = join(world.home, 'run');
  const sockets = [
    join(run, 'host.sock'),
    join(run, 'guests.sock'),
    `${run}/k-x/../host.sock`,
    '/run/dbus/system_bus_socket',
    '\\0abstract',
    '',
  ];
  const answers = await desktop.page.evaluate(
    (paths) => Promise.all(paths.map((path) => window.cmdop?.connectKeeper(path).catch((error: unknown) => String(error)))),
    [...sockets, join(run, 'k-nobody.sock')],
  );
  expect(answers.pop()).toContain('ENOENT');
  for (const answer of answers) expect(answer).toMatch(/is no session's of this machine|Too small/);
});

test('it cannot open a window or a frame', async () => {
  expect(await desktop.page.evaluate(() => window.open('https://example.org/') === null)).toBe(true);
  expect(await desktop.page.evaluate(() => window.open('app://cmdop/index.html') === null)).toBe(true);
  const framed = await desktop.page.evaluate(async () => {
    const frame = Object.assign(document.createElement('iframe'), { src: 'app://cmdop/index.html' });
    const blocked = new Promise((resolve) =>
      document.addEventListener('securitypolicyviolation', ({ violatedDirective }) => resolve(violatedDirective), { once: true }),
    );
    document.body.append(frame);
    const directive = await blocked;
    frame.remove();
    return directive;
  });
  expect(framed).toMatch(/^(frame|default)-src$/);
  await expectUnmoved();
});

test('it gets no permission, and asking shows nobody a question', async () => {
  const answers = await desktop.page.evaluate(async () => ({
    notifications: await Notification.requestPermission(),
    microphone: await navigator.mediaDevices.getUserMedia({ audio: true }).then(
      () => 'granted',
      ({ name }: Error) => name,
    ),
    place: await new Promise((resolve) =>
      navigator.geolocation.getCurrentPosition(
        () => resolve('granted'),
        ({ code }) => resolve(code),
      ),
    ),
    clipboard: await navigator.clipboard.readText().then(
      () => 'granted',
      ({ name }: Error) => name,
    ),
  }));
  expect(answers).toEqual({
    notifications: 'denied',
    microphone: expect.stringMatching(/^Not(Allowed|Found)Error$/),
    place: 1,
    clipboard: 'NotAllowedError',
  });
});

test('it runs no code but its own files', async () => {
  const ran = await desktop.page.evaluate(async () => {
    const violated = () =>
      new Promise<string>((resolve) =>
        document.addEventListener('securitypolicyviolation', ({ violatedDirective }) => resolve(violatedDirective), { once: true }),
      );
    const inline = violated();
    document.body.append(Object.assign(document.createElement('script'), { textContent: 'window.inlineRan = true' }));
    const first = await inline;
    const foreign = violated();
    document.body.append(Object.assign(document.createElement('script'), { src: 'https://example.org/x.js' }));
    const second = await foreign;
    let evaluated = 'ran';
    try {
      // biome-ignore lint/security/noGlobalEval: that it is refused is what is tested
      globalThis.eval('1');
    } catch (error) {
      evaluated = error instanceof Error ? error.name : 'refused';
    }
    return { first, second, evaluated, inlineRan: 'inlineRan' in window };
  });
  expect(ran).toEqual({ first: 'script-src-elem', second: 'script-src-elem', evaluated: 'EvalError', inlineRan: false });
});

test('it saves what it holds itself, and nothing that an address names', async () => {
  const asked = desktop.app.evaluate(({ session }) => {
    const seen: { from: string | undefined; isRefused: boolean }[] = [];
    return new Promise<typeof seen>((resolve) => {
      session.defaultSession.on('will-download', (event, item) => {
        seen.push({ from: item.getURL().split(':')[0], isRefused: event.defaultPrevented });
        if (!event.defaultPrevented) item.cancel();
        if (seen.length === 2) resolve(seen);
      });
    });
  });
  await desktop.page.evaluate(async () => {
    for (const href of ['data:text/plain,x', URL.createObjectURL(new Blob(['x']))]) {
      const link = document.createElement('a');
      Object.assign(link, { href, download: 'x' }).click();
      await new Promise((painted) => requestAnimationFrame(painted));
    }
  });
  // Which of them begins first is the browser's affair.
  expect((await asked).toSorted((a, b) => Number(b.isRefused) - Number(a.isRefused))).toEqual([
    { from: 'data', isRefused: true },
    { from: 'blob', isRefused: false },
  ]);
});

test('it reaches no network', async () => {
  const reached = await desktop.page.evaluate(async () => {
    const addresses = ['https://example.org/', 'http://127.0.0.1:9/', 'file:///etc/passwd', 'app://cmdop/index.html'];
    return await Promise.all(
      addresses.map((address) =>
        fetch(address).then(
          () => 'reached',
          () => 'refused',
        ),
      ),
    );
  });
  expect(new Set(reached)).toEqual(new Set(['refused']));
});

test('its scheme serves the page and nothing outside of it', async () => {
  const statuses = await desktop.app.evaluate(async ({ net }) => {
    const paths = [
      'cmdop/index.html',
      'cmdop/../package.json',
      'cmdop/..%2fpackage.json',
      'cmdop/%2e%2e/%2e%2e/package.json',
      'cmdop/..%5c..%5cpackage.json',
      'cmdop//etc/passwd',
      'cmdop/%00index.html',
      'elsewhere/index.html',
    ];
    const answers = await Promise.all(
      paths.map((path) =>
        net.fetch(`app://${path}`).then(
          ({ status }) => status,
          () => 0,
        ),
      ),
    );
    return Object.fromEntries(paths.map((path, i) => [path, answers[i]]));
  });
  const { 'cmdop/index.html': page, ...others } = statuses;
  expect(page).toBe(200);
  for (const [path, status] of Object.entries(others)) expect([404, 0], path).toContain(status);
});

test('another page with the same preload is answered by nobody', async () => {
  const answers = await desktop.app.evaluate(async ({ app, BrowserWindow }) => {
    const window = new BrowserWindow({ show: false, webPreferences: { preload: `${app.getAppPath()}/dist/preload.cjs`, sandbox: true } });
    await window.loadURL('data:text/html,foreign');
    const ask = (call: string) => window.webContents.executeJavaScript(`cmdop.${call}.then(() => 'answered', (error) => error.message)`);
    const answers = [await ask('connect()'), await ask('readClipboard()'), await ask('preferences()')];
    window.destroy();
    return answers;
  });
  for (const answer of answers) expect(answer).toMatch(/a page that is not cmdop's/);
});

test('what it is given checks what it is asked', async () => {
  const answers = await desktop.page.evaluate(async () => {
    const api = window.cmdop;
    const outcome = (call: Promise<unknown> | undefined) =>
      call?.then(
        () => 'done',
        ({ message }: Error) => message,
      );
    return [
      await outcome(api?.openExternal('file:///etc/passwd')),
      await outcome(api?.openExternal('javascript:alert(1)')),
      await outcome(api?.savePreferences({ tabs: 7 } as never)),
    ];
  });
  expect(answers[0]).toMatch(/^only http, https and mailto/);
  expect(answers[1]).toMatch(/^only http, https and mailto/);
  expect(answers[2]).toMatch(/^savePreferences was given something else/);
});

test('it cannot leave: neither by script, nor by a link, nor by a form', async () => {
  for (const [index, way] of ['script', 'link'].entries()) {
    const asked = await nextNavigation();
    await desktop.page.evaluate(
      ({ kind, address }) => {
        if (kind === 'script') location.href = address;
        else Object.assign(document.createElement('a'), { href: address }).click();
      },
      { kind: way, address: `https://example.org/${index}` },
    );
    expect(await asked.answer).toEqual({ url: `https://example.org/${index}`, isRefused: true });
    await expectUnmoved();
  }
  const refused = await desktop.page.evaluate(async () => {
    const violation = new Promise((resolve) =>
      document.addEventListener('securitypolicyviolation', ({ violatedDirective }) => resolve(violatedDirective), { once: true }),
    );
    const form = Object.assign(document.createElement('form'), { action: 'https://example.org/', method: 'post' });
    document.body.append(form);
    form.submit();
    form.remove();
    return await violation;
  });
  expect(refused).toBe('form-action');
  await expectUnmoved();
});
