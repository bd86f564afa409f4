/** What does not fit a frame costs whoever asked for it a sentence, and the host and everybody else nothing. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeMessage, MAGIC } from '#protocol/frames.ts';
import { type Engine, openEngine, type Person } from './engine.ts';
import { calmPerson, hello, strangerAt } from './stranger.ts';

let engine: Engine;
let ann: Person;
let expectCalm: () => Promise<void>;
const stranger = () => strangerAt(engine.home);

beforeAll(async () => {
  engine = openEngine();
  await engine.startHost();
  ({ ann, expectCalm } = await calmPerson(engine));
});
afterAll(() => engine.dispose());

/** Fills a frame of 1 MiB but for what is around it. */
const ALMOST_A_FRAME = 1024 * 1024 - 64;

test.each([
  ['a method of a megabyte', { method: 'A'.repeat(ALMOST_A_FRAME), params: {} }, 'unknown-method'],
  [
    'a variable whose name is a megabyte',
    { method: 'session.create', params: { env: { ['k'.repeat(ALMOST_A_FRAME)]: 1 } } },
    'bad-request',
  ],
  ['a session of a megabyte', { method: 'session.screen', params: { session: 'é'.repeat(ALMOST_A_FRAME / 2) } }, null],
])('%s is refused in a sentence of a few thousand characters', async (_what, request, code) => {
  const { socket, next } = stranger();
  socket.write(Buffer.concat([MAGIC, hello(), encodeMessage({ id: 2, ...request })]));
  const { error } = (await next(({ id }) => id === 2)) as { error: { code: string; message: string } };
  if (code) expect(error.code).toBe(code);
  expect(error.message.length).toBeLessThan(5000);
  socket.destroy();
  await expectCalm();
});

test('of many sessions a refusal names the last ones, and how many there are more', async () => {
  const made = await Promise.all(
    Array.from({ length: 24 }, (_, at) =>
      ann.client.request('session.create', { name: `${'n'.repeat(50)}-${at}`, command: ['/bin/cat'], cwd: '/' }),
    ),
  );
  await expect(ann.client.request('session.screen', { session: 'nope' })).rejects.toMatchObject({
    code: 'session-not-found',
    message: expect.stringMatching(/^there is no session nope; there are .* and 5 more$/),
  });
  await Promise.all(made.map(({ session }) => ann.client.request('session.kill', { session: session.id, signal: 'SIGKILL' })));
});
