/** How long an attach takes until the screen is there, with 10 000 lines above it. */
import xterm from '@xterm/headless';
import type { Size } from '#protocol/shapes.ts';
import type { BuildLog } from './build-log.ts';
import { attach, type CmdopAttachPeer, type CmdopPeer } from './cmdop-peer.ts';
import { awaken, SIZE, Watch, within } from './peer.ts';
import { spread } from './statistics.ts';
import { ENVIRONMENT, type TmuxPeer, untilShown } from './terminal-peers.ts';

const LINES = 10_000;
/** Each is done so often a round, and the median counts: one attach is over before the other core has woken. */
const TIMES = 5;

export type Attach = {
  /** The screen alone, milliseconds. */
  cmdopScreenMs: number;
  /** The screen and the lines above it, parsed by a terminal, milliseconds. */
  cmdopScrollbackMs: number;
  /** Lines above the screen that this brought. */
  cmdopScrollbackLines: number;
  /** The screen through `cmdop attach` in a PTY, milliseconds: most of it is its runtime's start. */
  inTerminalMs: number;
  /** Until `tmux attach` has drawn the screen; it leaves the lines above in its server. */
  tmuxMs: number;
};

type Peers = { cmdop: CmdopPeer; inTerminal: CmdopAttachPeer; tmux: TmuxPeer };

export async function measureAttach({ cmdop, inTerminal, tmux, log }: Peers & { log: BuildLog }): Promise<Attach> {
  const script = `stty -echo; read x; head -n ${LINES} ${log.file}; printf READY; exec sleep 1000`;
  const inCmdop = await cmdop.start(script);
  const inTmux = await tmux.start(script);
  for (const session of [inCmdop, inTmux]) {
    const watch = new Watch();
    const view = await session.attach(watch.received);
    await awaken(view, watch);
    await view.detach();
  }
  const screen: number[] = [];
  const whole: number[] = [];
  const inTerminalMs: number[] = [];
  const tmuxMs: number[] = [];
  let lines = 0;
  for (let n = 0; n < TIMES; n++) {
    screen.push((await attachCmdop(cmdop, { session: inCmdop.id, scrollback: 0 })).ms);
    tmuxMs.push(await attachInTerminal(inTmux.attachCommand));
    const attached = await attachCmdop(cmdop, { session: inCmdop.id, scrollback: LINES });
    whole.push(attached.ms);
    lines = attached.lines;
    inTerminalMs.push(await attachInTerminal(inTerminal.attachCommand(inCmdop.id), inTerminal.environment));
  }
  await inCmdop.end();
  await inTmux.end();
  return {
    cmdopScreenMs: spread(screen).median,
    cmdopScrollbackMs: spread(whole).median,
    cmdopScrollbackLines: lines,
    inTerminalMs: spread(inTerminalMs).median,
    tmuxMs: spread(tmuxMs).median,
  };
}

/** From the first byte to the host until a terminal that parses what it sends shows the last line. */
async function attachCmdop(cmdop: CmdopPeer, wanted: { session: string; scrollback: number }): Promise<{ ms: number; lines: number }> {
  const terminal = new xterm.Terminal({ ...SIZE, scrollback: LINES + 1000, allowProposedApi: true });
  let show: () => void = () => {};
  const isShown = new Promise<void>((resolve) => {
    show = resolve;
  });
  const write = (bytes: Uint8Array) =>
    terminal.write(bytes, () => {
      if (lastLine(terminal).endsWith('READY')) show();
    });
  const startedAt = performance.now();
  const client = cmdop.newClient();
  await client.whenConnected();
  const snapshot = (text: Uint8Array, size: Size) => {
    terminal.resize(size.cols, size.rows);
    write(text);
  };
  const view = await attach({ client, ...wanted, listener: write, snapshot });
  await within('the first screen', isShown);
  const ms = performance.now() - startedAt;
  const lines = terminal.buffer.active.baseY;
  await view.detach();
  terminal.dispose();
  return { ms, lines };
}

async function attachInTerminal(command: readonly string[], environment = ENVIRONMENT): Promise<number> {
  const { ms, view } = await untilShown(command, 'READY', environment);
  await view.detach();
  return ms;
}

function lastLine(terminal: xterm.Terminal): string {
  const { active } = terminal.buffer;
  return active.getLine(active.baseY + active.cursorY)?.translateToString(true) ?? '';
}
