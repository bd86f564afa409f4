/**
 * What the policy costs at the gate. A person's unit, and an agent's line that a rule
 * allows, denies or leaves to a person, through the host's own classes; only the journal and the keeper are left out.
 */
import type { ClientId, Epoch, Seq, SessionId } from '#protocol/ids.ts';
import type { Actor } from '#protocol/shapes.ts';
import { DEFAULT_POLICY, PolicyRules } from '#session/policy.ts';
import { AgentInput } from '../../main/host/agents/agent-input.ts';
import type { Approvals } from '../../main/host/agents/approvals.ts';
import type { InputContext } from '../../main/host/agents/input-context.ts';
import type { PolicyDesk } from '../../main/host/agents/input-judge.ts';
import { TtyState } from '../../main/host/sessions/tty-state.ts';
import { percentile } from './statistics.ts';

const ROUNDS = 20_000;
/** A policy as long as people write them, and then some. */
const RULES = [
  { do: 'deny' as const, command: 'rm *' },
  ...Array.from({ length: 48 }, (_, at) => ({ do: 'allow' as const, actor: 'agent:bot', folder: '/src', command: `tool${at} run *` })),
  { do: 'allow' as const, command: 'npm run *' },
];

const home = '/home/ann';
const rules = new PolicyRules({ ...DEFAULT_POLICY, rules: RULES }, home);
const desk: PolicyDesk = {
  rules: () => rules,
  approvals: { isGranted: () => false, ask: () => 1, withdraw: () => {} } as unknown as Approvals,
  protected: { places: [`${home}/.local/state/cmdop`, `${home}/.config/cmdop`, '/run/user/1000/cmdop'] },
  home,
  isPrepared: () => true,
};
const context: InputContext = {
  is: 'prompt',
  generation: 1,
  folder: '/src/app',
  program: null,
  drafted: [],
  alternateScreen: false,
  bracketedPaste: true,
  readsLines: true,
  isOwn: () => false,
};

/** Microseconds. */
export type GateFigure = { name: string; p50: number; p99: number };

export function measureGate(): GateFigure[] {
  const figures = [
    measure("gate, a person's unit", 'human', 'l'),
    measure('gate, an allowed line, by the 50th rule', 'agent', 'npm run build --workspace app\r'),
    measure('gate, a denied line', 'agent', 'rm -rf node_modules\r'),
    measure('gate, a line that is asked', 'agent', "git commit -am 'fix the parser' && git push | tail -3\r"),
  ];
  const tty = new TtyState({ pid: process.pid, mayHold: true });
  const old = new TtyState({ pid: process.pid, mayHold: false });
  if (!tty.read()) return figures;
  const held = Array.from({ length: ROUNDS }, () => timed(() => tty.read()));
  tty.release();
  const opened = Array.from({ length: ROUNDS }, () => timed(() => old.read()));
  return [...figures, figure("gate, the terminal's modes", held), figure("gate, the terminal's modes, with an older keeper", opened)];
}

function measure(name: string, kind: Actor['kind'], line: string): GateFigure {
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
    took.push(timed(() => input.holds({ client, actor, role: 'operator' }, { epoch: 1 as Epoch, seq: at as Seq, bytes })));
    input.gone(client);
  }
  return figure(name, took);
}

/** Microseconds. */
function timed(work: () => unknown): number {
  const from = performance.now();
  work();
  return (performance.now() - from) * 1_000;
}

function figure(name: string, took: number[]): GateFigure {
  const warm = took.slice(ROUNDS / 4).sort((a, b) => a - b); // compiled by then
  return { name, p50: percentile(warm, 50), p99: percentile(warm, 99) };
}
