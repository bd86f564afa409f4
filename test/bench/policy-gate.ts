/**
 * What the policy costs at the gate: `node test/bench/policy-gate.ts`. A person's unit, and an agent's line that a rule
 * allows, denies or leaves to a person, through the host's own classes; only the journal and the keeper are left out.
 */
import type { ClientId, Epoch, Seq, SessionId } from '#protocol/ids.ts';
import type { Actor } from '#protocol/shapes.ts';
import { DEFAULT_POLICY, PolicyRules } from '#session/policy.ts';
import { AgentInput } from '../../main/host/agent-input.ts';
import type { Approvals } from '../../main/host/approvals.ts';
import type { InputContext } from '../../main/host/input-context.ts';
import type { PolicyDesk } from '../../main/host/input-judge.ts';
import { TtyState } from '../../main/host/tty-state.ts';

const ROUNDS = 20_000;
/** A policy as long as people write them, and then some. */
const RULES = [
  { do: 'deny' as const, command: 'rm *' },
  ...Array.from({ length: 48 }, (_, at) => ({ do: 'allow' as const, actor: 'agent:bot', folder: '/work', command: `tool${at} run *` })),
  { do: 'allow' as const, command: 'npm run *' },
];

const home = '/home/ann';
const rules = new PolicyRules({ ...DEFAULT_POLICY, rules: RULES }, home);
const desk: PolicyDesk = {
  rules: () => rules,
  approvals: { isGranted: () => false, ask: () => 1, withdraw: () => {} } as unknown as Approvals,
  protected: { places: [`${home}/.local/state/cmdop`, `${home}/.config/cmdop`, '/run/user/1000/cmdop'] },
  home,
};
const context: InputContext = {
  is: 'prompt',
  generation: 1,
  folder: '/work/app',
  program: null,
  drafted: [],
  alternateScreen: false,
  bracketedPaste: true,
  readsLines: true,
  isOwn: () => false,
};

function measure(name: string, kind: Actor['kind'], line: string): void {
  const actor = { id: 'a', name: 'bot', kind, interface: kind === 'agent' ? 'mcp' : 'cli', color: 0 } as Actor;
  const bytes = new TextEncoder().encode(line);
  const took: number[] = [];
  const input = new AgentInput({
    session: { id: 's' as SessionId, name: () => 'demo' },
    desk,
    now: () => 0,
    context: () => context,
    isSecret: () => false,
    fault: () => null,
    admit: () => null,
    refuse: () => {},
  });
  for (let at = 1; at <= ROUNDS; at++) {
    const client = `client-${at}` as ClientId; // a held line would hold the next one
    const from = performance.now();
    input.holds({ client, actor, role: 'operator' }, { epoch: 1 as Epoch, seq: at as Seq, bytes });
    took.push((performance.now() - from) * 1_000);
    input.gone(client);
  }
  report(name, took.slice(ROUNDS / 4)); // compiled by then
}

function report(name: string, took: number[]): void {
  took.sort((a, b) => a - b);
  const at = (share: number) => (took[Math.floor(took.length * share)] ?? 0).toFixed(1).padStart(7);
  console.log(`${name.padEnd(36)} p50 ${at(0.5)} µs  p99 ${at(0.99)} µs`);
}

measure("a person's unit", 'human', 'l');
measure('an allowed line, by the 50th rule', 'agent', 'npm run build --workspace app\r');
measure('a denied line', 'agent', 'rm -rf node_modules\r');
measure('a line that is asked', 'agent', "git commit -am 'fix the parser' && git push | tail -3\r");

const tty = new TtyState(process.pid);
if (tty.read()) {
  const took: number[] = [];
  for (let at = 0; at < ROUNDS; at++) {
    const from = performance.now();
    tty.read();
    took.push((performance.now() - from) * 1_000);
  }
  report("the terminal's modes", took.slice(ROUNDS / 4));
}
