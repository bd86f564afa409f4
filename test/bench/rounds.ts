/** What is measured in each round, and in which order: everyone in turn, each round begun by another. */
import { measureAttach } from './attach.ts';
import { BuildLog } from './build-log.ts';
import { measureCheckpoint, type TreePlan } from './checkpoint.ts';
import { CmdopAttachPeer, CmdopHostPeer, CmdopPeer } from './cmdop-peer.ts';
import { measureControl } from './control.ts';
import { measureEcho } from './echo.ts';
import { cmdopCrowd, measureFanOut, relayCrowd, tmuxCrowd } from './fan-out.ts';
import type { Figures } from './figures.ts';
import { measureFlood } from './flood.ts';
import { measureForward } from './forward.ts';
import { measureIdle } from './idle.ts';
import { measureMemory } from './memory.ts';
import type { MonthPlan } from './month.ts';
import { measureNewSession } from './new-session.ts';
import type { Peer } from './peer.ts';
import { measureGate } from './policy-gate.ts';
import { RelayPeer } from './relay-peer.ts';
import { measureSsh, measureSshIdle } from './ssh.ts';
import { startSshMachine } from './ssh-peers.ts';
import { BarePeer, DtachPeer, TmuxPeer } from './terminal-peers.ts';

export const PARTS = ['echo', 'flood', 'crowd', 'attach', 'new', 'idle', 'ssh', 'forward', 'control', 'memory', 'checkpoint'] as const;
export type Part = (typeof PARTS)[number];

export type Plan = {
  rounds: number;
  /** Keystrokes of one echo figure. */
  keys: number;
  floodBytes: number;
  /** Clients of one flood, and its bytes: what tmux needs for a client grows with their number. */
  crowds: readonly { members: number; bytes: number }[];
  idleSessions: number;
  watchMs: number;
  /** Of these two, which are slow: in so many rounds only. */
  crowdRounds: number;
  idleRounds: number;
  /** Whether tmux and dtach are measured idle too. */
  isIdleCompared: boolean;
  forwardBytes: number;
  /** How long an idle attach over SSH is watched. */
  sshWatchMs: number;
  /** What a host remembers when it is searched; measured once. */
  month: MonthPlan;
  /** A working tree; measured once. */
  tree: TreePlan;
};

const FULL_CROWDS = [
  { members: 10, bytes: 200e6 },
  { members: 50, bytes: 100e6 },
  { members: 100, bytes: 100e6 },
];
const QUICK_CROWDS = [
  { members: 10, bytes: 16e6 },
  { members: 50, bytes: 8e6 },
  { members: 100, bytes: 8e6 },
];
export const FULL: Plan = {
  rounds: 5,
  keys: 500,
  floodBytes: 200e6,
  crowds: FULL_CROWDS,
  idleSessions: 50,
  watchMs: 10_000,
  crowdRounds: 5,
  idleRounds: 2,
  isIdleCompared: true,
  forwardBytes: 1e9,
  sshWatchMs: 30_000,
  month: { sessions: 200, outputBytes: 2e9, commands: 100_000, actors: 12 },
  tree: { files: 50_000, bytes: 1e9 },
};
/** A first answer in under a minute: what is asked first, of one round. */
export const QUICK: Plan = {
  rounds: 2,
  keys: 100,
  floodBytes: 40e6,
  crowds: QUICK_CROWDS,
  idleSessions: 10,
  watchMs: 2_000,
  crowdRounds: 1,
  idleRounds: 1,
  isIdleCompared: false,
  forwardBytes: 300e6,
  sshWatchMs: 10_000,
  month: { sessions: 20, outputBytes: 200e6, commands: 100_000, actors: 12 },
  tree: { files: 5_000, bytes: 100e6 },
};

export async function runRounds(plan: Plan & { only: ReadonlySet<Part> }, figures: Figures, note: (text: string) => void): Promise<void> {
  const wants = (part: Part) => plan.only.has(part);
  const log = new BuildLog(plan.floodBytes);
  const crowdLogs = plan.crowds.map(({ members, bytes }) => ({ members, log: new BuildLog(wants('crowd') ? bytes : 0) }));
  const cmdop = await CmdopPeer.start();
  const [inTerminal, tmux, dtach, bare] = [new CmdopAttachPeer(cmdop), new TmuxPeer(), new DtachPeer(), new BarePeer()];
  // The one under test first and last would gain or lose by what the others leave behind: each round begins elsewhere.
  const inTurn = <T>(all: readonly T[], round: number): T[] => all.map((one, index) => all[(index + round) % all.length] ?? one);
  const byHost = new CmdopHostPeer(cmdop);
  const peers: Peer[] = [cmdop, tmux, dtach, bare, inTerminal];
  const hops = new RelayPeer();
  const machine = wants('ssh') || wants('forward') ? await startSshMachine({ cmdop, tmux, relay: hops }) : null;
  const crowds = [cmdopCrowd(cmdop), tmuxCrowd(tmux), relayCrowd];
  try {
    for (let round = 0; round < plan.rounds; round++) {
      note(`round ${round + 1} of ${plan.rounds}`);
      if (wants('echo')) {
        for (const peer of inTurn([...peers, byHost, hops], round)) {
          const { p50, p99 } = await measureEcho(peer, plan);
          figures.add('keystroke echo p50, µs', peer.name, p50);
          figures.add('keystroke echo p99, µs', peer.name, p99);
        }
      }
      if (wants('flood')) {
        for (const peer of inTurn(peers, round)) {
          const flood = await measureFlood(peer, { log, isExact: peer !== tmux && peer !== inTerminal });
          figures.add('flood, MB/s', peer.name, flood.megabytesPerSecond);
          if (peer !== bare) figures.add('flood, CPU s', peer.name, flood.cpuSeconds);
          figures.add('flood, MB seen by the client', peer.name, flood.seenBytes / 1e6);
          if (peer === cmdop) figures.add('flood, MB left out with a gap', peer.name, flood.skippedBytes / 1e6);
        }
      }
      if (wants('attach')) {
        const attach = await measureAttach({ cmdop, inTerminal, tmux, log });
        figures.add('attach to the screen, ms', 'cmdop', attach.cmdopScreenMs);
        figures.add('attach to the screen, ms', 'cmdop attach', attach.inTerminalMs);
        figures.add('attach to the screen, ms', 'tmux', attach.tmuxMs);
        figures.add('attach with 10 000 lines, ms', 'cmdop', attach.cmdopScrollbackMs);
        figures.add('attach with 10 000 lines, ms', 'tmux', attach.tmuxMs);
        figures.add('lines above the screen', 'cmdop', attach.cmdopScrollbackLines);
      }
      if (wants('new')) {
        const times = await measureNewSession({ cmdop, tmux, dtach });
        figures.add('new session to prompt, ms', 'cmdop', times.cmdop);
        figures.add('new session to prompt, ms', 'tmux', times.tmux);
        figures.add('new session to prompt, ms', 'dtach', times.dtach);
        figures.add('new session to prompt, ms', 'bare PTY', times.bare);
      }
      if (round === 0) note(`so far:\n${figures.table()}`);
      if (wants('crowd') && round < plan.crowdRounds) {
        for (const { members, log: crowdLog } of crowdLogs) {
          for (const peer of inTurn(crowds, round)) {
            note(`${members} clients of ${peer.name}`);
            const fanOut = await measureFanOut(peer, { members, log: crowdLog });
            figures.add(`flood at the slowest of ${members} clients, MB/s`, peer.name, fanOut.megabytesPerSecond);
            figures.add(`the same with ${members}, CPU ms per MB`, peer.name, (fanOut.cpuSeconds * 1e9) / crowdLog.printedBytes);
          }
        }
      }
      if (wants('memory') && round === 0) await measureMemory(plan.month, figures, note);
      if (wants('checkpoint') && round === 0) await measureCheckpoint(plan.tree, figures, note);
      if (wants('control')) {
        note('50 agents paused, and approvals');
        const times = await measureControl(cmdop);
        figures.add('50 writing agents paused: answered, ms', 'cmdop', times.answered);
        figures.add('the same: all of them refused, ms', 'cmdop', times.stopped);
        figures.add('approval to verdict p50, ms', 'cmdop', times.approvedP50);
        figures.add('approval to verdict, longest, ms', 'cmdop', times.approvedLongest);
        for (const { name, p50, p99 } of measureGate()) {
          figures.add(`${name} p50, µs`, 'cmdop', p50);
          figures.add(`${name} p99, µs`, 'cmdop', p99);
        }
      }
      if (wants('idle') && round < plan.idleRounds) {
        const sessions = plan.idleSessions;
        for (const peer of inTurn(plan.isIdleCompared ? [cmdop, tmux, dtach] : [cmdop], round)) {
          note(`${sessions} idle sessions of ${peer.name}`);
          const idle = await measureIdle(peer, { sessions, watchMs: plan.watchMs });
          figures.add('memory per idle session, MB', peer.name, idle.bytesPerSession / 2 ** 20);
          figures.add(`wake-ups/s with ${sessions} idle sessions`, peer.name, idle.wakeupsPerSecond);
          figures.add(`CPU with ${sessions} idle sessions, ms/s`, peer.name, idle.cpuMsPerSecond);
        }
      }
      if (machine && wants('forward')) {
        note('a forward over SSH');
        await measureForward({ machine, cmdop, bytes: plan.forwardBytes, figures, turn: round });
      }
      if (machine && wants('ssh')) {
        const sshRound = { machine, cmdop, peers: inTurn([machine.cmdop, machine.tmux], round), log, keys: plan.keys, figures };
        note('over SSH');
        await measureSsh(sshRound);
        if (round < plan.idleRounds) await measureSshIdle(sshRound, plan.sshWatchMs);
      }
    }
  } finally {
    await machine?.dispose();
    for (const peer of [...peers, hops]) await peer.dispose();
    for (const each of [log, ...crowdLogs.map((crowd) => crowd.log)]) each.dispose();
  }
}
