/** Hostile bytes for the parts that need no process: each area takes one case; a fault is an exception. */
import headless from '@xterm/headless';
import { guardQueries } from '#client/query-guard.ts';
import { systemClock } from '#local/clock.ts';
import { CmdopError } from '#protocol/errors.ts';
import { encodeInput, encodeMessage, FrameDecoder, MAGIC, MagicReader } from '#protocol/frames.ts';
import type { ActorId, Channel, ClientId, Epoch, Offset, Seq } from '#protocol/ids.ts';
import { EVENTS, envelope, METHODS } from '#protocol/messages.ts';
import { CommandTracker } from '#session/command-tracker.ts';
import { parseMark } from '#session/shell-marks.ts';
import { TerminalRepairs } from '#session/terminal-repairs.ts';
import { TypedLines } from '#session/typed-lines.ts';
import { VtScanner } from '#session/vt-scanner.ts';
import { QueryFilter } from '../../../main/attach/query-filter.ts';
import { leaveTerminal } from '../../../main/attach/terminal-modes.ts';
import { ScreenTerminal } from '../../../main/host/screen/screen-terminal.ts';
import { Keeper } from '../../../main/keeper/keeper.ts';
import { encodeOutputHeader, encodeToKeeper, FromKeeperDecoder, KEEPER_WIRE } from '../../../main/keeper/wire.ts';
import type { ToKeeper } from '../../../main/keeper/wire-messages.ts';
import { hostsJson, knownHosts, policyText, shellLine, sshConfig } from './files.ts';
import { below, bytesOf, cut, hostileJson, joined, mutate, pick, type Random } from './mutate.ts';
import { FORGED, forgedMark, hostileOutput } from './output.ts';
import { streams } from './streams.ts';

type Area = { each: (random: Random) => void /** Share of the cases. */; weight: number };

export const AREAS: Record<string, Area> = {
  'client frames': { weight: 20, each: frames },
  'the magic': { weight: 5, each: magic },
  'byte streams': { weight: 10, each: streams },
  'client messages': { weight: 15, each: messages },
  'keeper wire': { weight: 15, each: keeper },
  'shell marks': { weight: 20, each: marks },
  'output scanner': { weight: 10, each: scanner },
  'typed lines': { weight: 10, each: typed },
  "a person's terminal": { weight: 12, each: filtered },
  "the window's terminal": { weight: 4, each: guarded },
  "the host's terminal": { weight: 2, each: screen },
  'the policy': { weight: 6, each: policyText },
  'lines of agents': { weight: 8, each: shellLine },
  'hosts.json': { weight: 3, each: hostsJson },
  ssh_config: { weight: 3, each: sshConfig },
  known_hosts: { weight: 6, each: knownHosts },
};

function check(condition: boolean, what: string): void {
  if (!condition) throw new Error(what);
}

function frames(random: Random): void {
  const unit = encodeInput({ channel: below(random, 9) as Channel, epoch: 1 as Epoch, seq: 1 as Seq, bytes: bytesOf(random, 20) });
  const message = encodeMessage({ id: 1, method: 'ping', params: {} });
  const bytes = mutate(random, joined(unit, message, unit));
  const decoder = new FrameDecoder();
  try {
    for (const part of cut(random, bytes)) for (const frame of decoder.push(part)) check(frame.kind.length > 0, 'a frame without kind');
  } catch (error) {
    if (!(error instanceof CmdopError) || error.code !== 'bad-frame') throw error;
  }
}

function magic(random: Random): void {
  const reader = new MagicReader(random() < 0.5 ? 0 : 100);
  try {
    for (const part of cut(random, joined(bytesOf(random, below(random, 20)), mutate(random, MAGIC), bytesOf(random, 30))))
      if (reader.push(part)) return;
  } catch (error) {
    if (!(error instanceof CmdopError) || error.code !== 'bad-magic') throw error;
  }
}

function messages(random: Random): void {
  let value: unknown;
  try {
    value = JSON.parse(hostileJson(random));
  } catch {
    return; // the wire refuses it
  }
  envelope.safeParse(value);
  pick(random, Object.values(METHODS)).params.safeParse(value);
  pick(random, Object.values(EVENTS)).safeParse(value);
  check(Object.keys(Object.prototype).length === 0, 'Object.prototype was changed');
}

function keeper(random: Random): void {
  const held = bytesOf(random, 50);
  const target = new Keeper({ session: 's', meta: {}, cols: 80, rows: 24 }, { released: () => {}, after: systemClock.after });
  target.start({
    pid: 1,
    queuedBytes: 0,
    write: ({ written }) => written(),
    takeBack: () => [],
    resize: () => {},
    pause: () => {},
    resume: () => {},
  });
  target.output(held);
  const hello = encodeToKeeper({ kind: 'hello', wire: KEEPER_WIRE, from: 0 as Offset });
  const said: ToKeeper[] = [
    { kind: 'write', client: 'client-1' as ClientId, seq: 1 as Seq, bytes: bytesOf(random, 5) },
    { kind: 'resize', cols: 80, rows: 24 },
    { kind: 'forget', client: 'client-1' as ClientId },
    { kind: 'note', bytes: bytesOf(random, 9) },
  ];
  const link = () => ({ write: () => true, cork: () => {}, uncork: () => {}, destroy: () => {} });
  const hostile = target.connected(link());
  const begins = random() < 0.7 ? hello : mutate(random, hello);
  for (const part of cut(random, joined(begins, mutate(random, joined(...said.map(encodeToKeeper)))))) hostile.received(part);
  hostile.closed();
  // Whatever came, the next host is served; bytes are only gone if they were acknowledged.
  const answers: Uint8Array[] = [];
  target.connected({ ...link(), write: (bytes) => answers.push(new Uint8Array(bytes)) > 0 }).received(hello);
  const decoder = new FromKeeperDecoder();
  const heard = [...decoder.push(joined(...answers))];
  const [first] = heard;
  check(first?.kind === 'hello', 'a keeper does not greet its next host');
  const output = joined(...heard.flatMap((message) => (message.kind === 'output' ? [message.bytes] : [])));
  const start = first?.kind === 'hello' ? first.hello.start : 0;
  check(Buffer.from(held.subarray(start)).equals(output), 'a keeper forgot output');
  // The other way round: what a broken keeper says.
  try {
    const broken = new FromKeeperDecoder();
    const whole = mutate(random, joined(encodeOutputHeader(5 as Offset, held.length), held, ...answers));
    for (const part of cut(random, whole)) for (const message of broken.push(part)) check(message.kind.length > 0, 'no kind');
  } catch (error) {
    if (!(error instanceof Error)) throw error; // the link is closed
  }
}

const NONCE = 'cafe0123cafe0123cafe0123cafe0123';
const NOW = { wall: 0, monotonic: 0 };

function marks(random: Random): void {
  const tracker = new CommandTracker({ nonce: NONCE, now: NOW });
  let at = 0;
  const say = (text: string) => {
    const scanner = new VtScanner({
      offset: at as Offset,
      onOsc: (osc) => {
        const mark = parseMark(osc.code, osc.payload);
        const events = tracker.mark({ ...osc, line: 0, row: 0, col: 0 } as never, NOW);
        const isKnown = mark?.key?.nonce === NONCE;
        check(isKnown || events.length === 0, `a mark without the session's secret counted: ${JSON.stringify(osc)}`);
      },
    });
    const bytes = new Uint8Array(Buffer.from(text, 'latin1'));
    scanner.push(bytes);
    at += bytes.length;
  };
  const nonce = random() < 0.5 ? undefined : Buffer.from(mutate(random, Buffer.from(NONCE))).toString('latin1');
  if (nonce === NONCE) return;
  say(forgedMark(random, nonce));
  say(Buffer.from(mutate(random, Buffer.from(forgedMark(random)))).toString('latin1'));
  check(tracker.state.running !== FORGED && tracker.state.cwd !== '/forged', 'a forged mark was believed');
}

function scanner(random: Random): void {
  const bytes = hostileOutput(random);
  const look = (parts: Iterable<Uint8Array>) => {
    const seen: string[] = [];
    const scan = new VtScanner({ offset: 0 as Offset, onOsc: (osc) => seen.push(JSON.stringify(osc)) });
    for (const part of parts) scan.push(part);
    return { seen, ground: scan.groundOffset };
  };
  const [whole, pieces] = [look([bytes]), look(cut(random, bytes))];
  check(whole.ground === pieces.ground && whole.seen.join() === pieces.seen.join(), 'what is found depends on how output is cut');
}

function typed(random: Random): void {
  const lines = new TypedLines();
  for (let seq = 1; seq < 4; seq++) {
    const bytes = random() < 0.5 ? hostileOutput(random) : mutate(random, Buffer.from('echo hi\r\x1b[200~a\rb\x1b[201~\x1b[M !!\x03ls\r'));
    lines.take({ client: 'c' as ClientId, actor: 'a' as ActorId, seq: seq as Seq, offset: 0 as Offset, bytes });
  }
  lines.claim({ promptAt: 0 as Offset, startAt: 9 as Offset, text: 'ls', continuations: below(random, 3) });
}

/** A terminal that would do what it is told, and tells what it did. */
function victim(prepare: (terminal: InstanceType<typeof headless.Terminal>) => void = () => {}) {
  const terminal = new headless.Terminal({ cols: 80, rows: 24, scrollback: 100, allowProposedApi: true, logLevel: 'off' });
  terminal.options.windowOptions = { getWinSizeChars: true, getWinSizePixels: true, getWinTitle: true, setWinLines: true };
  const did: string[] = [];
  for (const code of [50, 51, 52, 99, 1337, 5522]) {
    terminal.parser.registerOscHandler(code, (payload) => {
      did.push(`OSC ${code};${payload.slice(0, 50)}`);
      return true;
    });
  }
  terminal.onData((data) => did.push(`answer ${JSON.stringify(data)}`));
  new TerminalRepairs(terminal);
  prepare(terminal);
  const core = Reflect.get(terminal, '_core') as {
    _inputHandler: { parse(bytes: Uint8Array): void; onColor?: unknown };
    buffer: { x: number };
  };
  return { terminal, did, parse: (bytes: Uint8Array) => core._inputHandler.parse(bytes) };
}

let person = victim();
let shownTo = 0;

function filtered(random: Random): void {
  if (++shownTo % 500 === 0) {
    person.terminal.dispose();
    person = victim();
  }
  const bytes = hostileOutput(random);
  const show = (parts: Iterable<Uint8Array>) => {
    const filter = new QueryFilter();
    return joined(...[...parts].map((part) => new Uint8Array(filter.push(part))));
  };
  const shown = show([bytes]);
  check(Buffer.from(shown).equals(show(cut(random, bytes))), 'what passes depends on how output is cut');
  person.parse(shown);
  person.parse(Buffer.from(leaveTerminal({ isAlternate: person.terminal.buffer.active.type === 'alternate', row: 5, hasColors: true })));
  check(person.did.length === 0, `through the filter: ${person.did.splice(0).join(', ')}`);
  // After a detach a line is a line: no string is open, no character set or margin left.
  person.parse(Buffer.from('\r\x1b[Ksane'));
  const buffer = person.terminal.buffer.active;
  const line = buffer.getLine(buffer.baseY + buffer.cursorY)?.translateToString(true);
  check(line === 'sane' && person.terminal.cols === 80 && buffer.type === 'normal', `after a detach the terminal shows ${line}`);
}

let guardedVictim = newGuarded();
let guardedCases = 0;
function newGuarded() {
  const made = victim();
  guardQueries(made.terminal.parser);
  return made;
}

function guarded(random: Random): void {
  if (++guardedCases % 200 === 0) {
    guardedVictim.terminal.dispose();
    guardedVictim = newGuarded();
  }
  guardedVictim.parse(hostileOutput(random));
  const did = guardedVictim.did.splice(0).filter((what) => what.startsWith('answer') || what.startsWith('OSC 52;'));
  check(did.length === 0, `in the window: ${did.join(', ')}`);
}

function screen(random: Random): void {
  const size = { cols: 1 + below(random, 120), rows: 1 + below(random, 40) };
  const terminal = new ScreenTerminal({ offset: 0 as Offset, size, snapshot: random() < 0.3 ? hostileOutput(random) : null });
  for (let left = 3; left > 0; left--) {
    for (const part of cut(random, hostileOutput(random))) terminal.take(part);
    if (random() < 0.2) terminal.resize({ cols: 1 + below(random, 200), rows: 1 + below(random, 60) });
    const faults = terminal.events().filter(({ kind }) => kind === 'fault');
    check(faults.length === 0, `xterm.js failed: ${JSON.stringify(faults[0])}`);
  }
  terminal.snapshot(10);
  terminal.read();
  terminal.dispose();
}
