/**
 * DESIGN's input rules over the real classes: 1 000 seeded runs of cuts, host crashes, takeovers, changes of mode and role,
 * grants, stops and kicks, no violation.
 */
import { expect, test } from 'vitest';
import { type Forgetful, InputWorld, type TypedUnit } from './input-world.ts';

const SEEDS = Number(process.env.CMDOP_SEEDS ?? 1000);
const STEPS = { faulty: 1200, calm: 1200, quiet: 4000 };

async function run(
  seed: number,
  options: Forgetful = {},
): Promise<{ applied: number; refused: number; judged: number; takenBack: number; delegated: number }> {
  const world = new InputWorld(seed, options);
  try {
    for (const phase of ['faulty', 'calm', 'faulty', 'calm'] as const) for (let i = 0; i < STEPS[phase] / 2; i++) await world.step(phase);
    const isSettled = () => world.peers.every(({ typed }) => typed.every(({ verdict }) => verdict));
    for (let i = 0; i < STEPS.quiet && !(i > 500 && isSettled()); i++) await world.step('quiet');
    const typed = world.peers.flatMap((peer) => peer.typed);
    check(typed, world);
    return {
      applied: typed.filter(({ verdict }) => verdict?.verdict === 'applied').length,
      refused: typed.filter(({ verdict }) => verdict?.verdict === 'refused').length,
      /** By the policy, or by a person. */
      judged: typed.filter(({ verdict }) => verdict?.verdict === 'refused' && /^(policy|rejected)$/.test(verdict.reason)).length,
      /** After they had passed the gate. */
      takenBack: typed.filter(({ verdict }) => verdict?.verdict === 'refused' && /before the program read it/.test(verdict.message)).length,
      delegated: world.delegated,
    };
  } finally {
    world.dispose();
  }
}

function check(typed: TypedUnit[], world: InputWorld): void {
  const { written, takers, fences } = world;
  const key = ({ client, number }: { client: string; number: number }) => `${client} ${number}`;
  const reached = new Set(written.map(key));
  if (reached.size !== written.length) throw new Error('a unit was typed twice');
  for (const [i, unit] of written.entries()) {
    const later = written.slice(i + 1).find(({ client, number }) => client === unit.client && number < unit.number);
    if (later) throw new Error(`out of order: ${key(later)} after ${key(unit)}`);
  }
  const passedAt = written.map(({ client, number }) => world.passed.lastIndexOf(`${client}:${number}`)).filter((at) => at >= 0);
  const early = passedAt.findIndex((at, i) => i > 0 && at < (passedAt[i - 1] ?? 0));
  if (early >= 0) throw new Error(`${world.passed[passedAt[early] ?? 0]} is on record before what was typed before it`);
  const fromAgents = world.takenFromAgents();
  for (const { epoch, at } of world.granted.filter((each) => fromAgents.has(each.epoch))) {
    const late = written.slice(at).find((unit) => unit.client === 'cleo' && unit.epoch < epoch);
    if (late) throw new Error(`${key(late)} ran after a person had taken over from its agent in ${epoch}`);
  }
  for (const unit of typed) {
    if (!unit.verdict) throw new Error(`no verdict: ${key(unit)}`);
    if ((unit.verdict.verdict === 'applied') !== reached.has(key(unit)))
      throw new Error(`told ${unit.verdict.verdict}, but it ${reached.has(key(unit)) ? 'ran' : 'never ran'}: ${key(unit)}`);
  }
  for (const { client, number, epoch, judgedIn } of written) {
    const known = typed.find((unit) => unit.client === client && unit.number === number)?.knownEpoch ?? null;
    const isFence = (fence: number) => known !== null && known < fence && fence <= judgedIn;
    if (fences.everybody.some(isFence)) throw new Error(`${client} ${number} was typed in epoch ${known} and ran after the mode changed`);
    if (client === 'cleo' && fences.agents.some(isFence))
      throw new Error(`cleo ${number} was typed in epoch ${known} and ran after a stop`);
    for (let between = (known ?? epoch) + 1; between <= epoch; between++) {
      const taker = takers.get(between);
      if (taker !== undefined && taker !== client)
        throw new Error(`${client} ${number} was typed in epoch ${known} and ran after ${taker} took control in ${between}`);
    }
  }
}

test(`${SEEDS} seeded runs: each unit once, in order, with a true verdict, and none after a takeover, a new mode or a stop`, {
  timeout: 240_000,
}, async () => {
  let applied = 0;
  let refused = 0;
  let judged = 0;
  let takenBack = 0;
  let delegated = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const result = await run(seed).catch((error: Error) => {
      throw new Error(`seed ${seed}: ${error.message}`, { cause: error });
    });
    applied += result.applied;
    refused += result.refused;
    judged += result.judged;
    takenBack += result.takenBack;
    delegated += result.delegated;
  }
  // Neither outcome may be rare, or the runs prove nothing.
  expect(applied).toBeGreaterThan(SEEDS * 15);
  expect(refused).toBeGreaterThan(SEEDS * 5);
  expect(judged).toBeGreaterThan(SEEDS / 3);
  expect(takenBack).toBeGreaterThan(SEEDS / 20);
  expect(delegated).toBeGreaterThan(SEEDS * 4);
});

test('a keeper that forgets what it wrote is found out', async () => {
  const found: string[] = [];
  for (let seed = 1; seed <= 50; seed++) await run(seed, { keeperForgets: 'ledger' }).catch((error: Error) => found.push(error.message));
  expect(found).toContainEqual('a unit was typed twice');
});

test('a keeper that forgets what it took back is found out', async () => {
  const found: string[] = [];
  for (let seed = 1; seed <= 1_000 && found.length === 0; seed++)
    await run(seed, { keeperForgets: 'dropped' }).catch((error: Error) => found.push(error.message));
  expect(found[0]).toMatch(/^(told applied, but it never ran|no verdict)/);
});

test('a host that forgets what its policy refused is found out', async () => {
  const found: string[] = [];
  for (let seed = 1; seed <= 2_000 && found.length === 0; seed++)
    await run(seed, { forgetsRefusals: true }).catch((error: Error) => found.push(error.message));
  expect(found[0]).toMatch(/^told applied, but it never ran/);
});

test('a host that lets others act while a client types past it is found out', async () => {
  const found: string[] = [];
  for (let seed = 1; seed <= 500 && found.length < 20; seed++)
    await run(seed, { neverRecalls: true }).catch((error: Error) => found.push(error.message));
  expect(found).toContainEqual(expect.stringMatching(/was typed past the host in \d+, after somebody knew that they had control/));
  expect(found).toContainEqual(expect.stringMatching(/is on record before what was typed before it/));
});
