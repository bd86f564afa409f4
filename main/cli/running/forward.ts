/** `forward`: ports of a session, opened on this machine until Ctrl-C, the session's end, or the loss of the right to it. */
import { compileEarly } from '#local/early-tiers.ts';
import { Forward } from '#local/forward.ts';
import { type Globals, hostOf, lastingClient, sessionRef } from '../connect.ts';
import { UsageError } from '../exit-codes.ts';
import { dim, note, print, printJsonLine } from '../output.ts';

/** How often a person's line of byte counts is renewed, milliseconds. */
const SHOWN_EVERY_MS = 200;

type Options = Globals & { bind?: string; any?: boolean; json?: boolean };

export async function forward(options: Options, session: string, given: readonly string[]): Promise<void> {
  const wanted = given.map(parse);
  compileEarly();
  const forwards: Forward[] = [];
  const { promise: over, resolve, reject } = Promise.withResolvers<void>();
  const status = new StatusLine(forwards, process.stderr.isTTY && options.json !== true);
  const client = await lastingClient(options, {
    onEvent: (event) => {
      if (event.event !== 'ports.closed') return;
      for (const each of forwards) void each.closedByHost(event.params);
    },
    onState: ({ is }) => {
      if (is === 'offline') status.note(`${hostOf(options)} is away: connections are refused until it is back`);
    },
    mayAsk: () => forwards.length === 0,
    refused: reject,
  });
  try {
    for (const { port, localPort } of wanted) {
      const { bind: address, any } = options;
      const changed = () => status.renew();
      forwards.push(await Forward.open({ client, session: sessionRef(session), port, localPort, address, any, changed, ended: reject }));
    }
    for (const each of forwards) tell(each, options);
    status.renew();
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
    await over;
  } finally {
    status.dispose();
    for (const each of forwards) each.close();
    client.close();
  }
}

/** `3000`, or `3000:8080` for 8080 here. Throws UsageError. */
function parse(given: string): { port: number; localPort: number | undefined } {
  const match = /^(\d+)(?::(\d+))?$/.exec(given);
  const [port, localPort] = [Number(match?.[1]), match?.[2] === undefined ? undefined : Number(match[2])];
  const isPort = (number: number) => number >= 1 && number <= 65_535;
  if (match && isPort(port) && (localPort === undefined || isPort(localPort))) return { port, localPort };
  throw new UsageError(`"${given}" is no port: write 3000, or 3000:8080 to have it as 8080 here`);
}

function tell({ address, localPort, port, sessionName }: Forward, { json = false }: Options): void {
  if (json) printJsonLine({ is: 'open', session: sessionName, port, address, localPort });
  else print(`${address}  ${dim(`→ port ${port} of ${sessionName}`)}\n`);
}

/** One line at the bottom that is written anew: what has come and gone, and how many connections there are. */
class StatusLine {
  readonly #forwards: readonly Forward[];
  readonly #isShown: boolean;
  #timer: NodeJS.Timeout | null = null;

  constructor(forwards: readonly Forward[], isShown: boolean) {
    this.#forwards = forwards;
    this.#isShown = isShown;
  }

  renew(): void {
    if (!this.#isShown || this.#timer) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      const counts = this.#forwards.map((each) => each.counts);
      const sum = (of: 'received' | 'sent' | 'connections') => counts.reduce((total, each) => total + each[of], 0);
      const text = `${sum('connections')} connections · ${showBytes(sum('received'))} received · ${showBytes(sum('sent'))} sent · Ctrl-C ends`;
      process.stderr.write(`\r\x1b[K${dim(text)}`);
    }, SHOWN_EVERY_MS);
  }

  note(sentence: string): void {
    if (this.#forwards.length === 0) return;
    this.#clear();
    note(sentence);
    this.renew();
  }

  dispose(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#clear();
  }

  #clear(): void {
    if (this.#isShown) process.stderr.write('\r\x1b[K');
  }
}

function showBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length, Math.floor(Math.log10(bytes) / 3));
  return `${(bytes / 1000 ** power).toFixed(1)} ${units[power - 1]}`;
}
