/** The host's bytes out of a program's stdout: what a login printed before them is skipped, and told where none come. */
import type { Readable, Writable } from 'node:stream';
import { pipeTransport } from '#local/socket-transport.ts';
import { CmdopError } from '#protocol/errors.ts';
import { MAGIC, MAX_NOISE_BYTES } from '#protocol/frames.ts';
import type { Transport } from '#protocol/transport.ts';

/** How long a bridge may take, milliseconds: a cold machine starts Node and a host in three seconds. */
const BRIDGE_MS = 20_000;
/** What is kept of stderr, bytes. */
const MAX_WORDS_BYTES = 8 * 1024;
/** What is shown of noise, characters. */
const SHOWN_NOISE = 300;
/** What `sh` and our own script exit with where there is no such program. */
const EXIT_NOT_FOUND = 127;
/** Docker too, or with this; it says why on stdout. */
const EXIT_NOT_STARTED = 126;
/** How our own script says that there is no cmdop, and how runc and crun do, which start programs in containers. */
const NO_CMDOP =
  /cmdop-not-installed|cmdop\W+(executable file not found|stat \S+: no such file)|executable file \W(\S*\/)?cmdop\W+not found/;
/** What kubectl says below all words of what it started. */
const OF_KUBECTL = /^command terminated with exit code \d+$/;

/** A program whose stdio is a byte stream to a host. */
export type BridgeProgram = {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly exited: Promise<ProgramEnd>;
};

/** `error`: it could not even be started. */
export type ProgramEnd = { readonly code: number | null; readonly signal: string | null; readonly error?: CmdopError };

/**
 * Resolves when the host has spoken; nothing is sent before, so that a login script that reads its input takes nothing.
 * Throws `not-installed`, or `host-unreachable` with what the program said.
 */
export function bridgeTransport(program: BridgeProgram, { kind, host }: { kind: string; host: string }): Promise<Transport> {
  const { stdin, stdout, stderr, exited } = program;
  const words = tailOf(stderr);
  let seen = Buffer.alloc(0);
  return new Promise((resolve, reject) => {
    const settle = (finish: () => void) => {
      clearTimeout(timer);
      stdout.off('data', look);
      finish();
    };
    const fail = (error: CmdopError) =>
      settle(() => {
        stdin.destroy();
        stdout.destroy();
        reject(error);
      });
    const look = (bytes: Buffer) => {
      seen = Buffer.concat([seen, bytes]);
      const at = seen.indexOf(MAGIC);
      if (at >= 0 && at <= MAX_NOISE_BYTES) {
        settle(() => {
          stdout.pause();
          stdout.unshift(seen.subarray(at));
          resolve(pipeTransport(stdout, stdin, kind));
        });
      } else if (seen.length > MAX_NOISE_BYTES + MAGIC.length) {
        fail(unreachable(host, `it printed more than ${MAX_NOISE_BYTES / 1024} KiB and no host answered: ${saying(seen)}`));
      }
    };
    const timer = setTimeout(() => {
      fail(slow({ host, seen, afterMs: BRIDGE_MS }));
    }, BRIDGE_MS);
    stdin.on('error', () => {}); // `exited` tells
    stdout.on('error', () => {});
    stdout.on('data', look);
    void exited.then((end) => {
      // What it said last may still be on its way.
      if (stdout.readableEnded) fail(failure({ host, end, words: words(), seen }));
      else stdout.once('close', () => fail(failure({ host, end, words: words(), seen })));
    });
  });
}

/** What a program that ended early means to a person. */
export function failure({ host, end, words, seen }: { host: string; end: ProgramEnd; words: string; seen: Buffer }): CmdopError {
  if (end.error) return end.error;
  const isOnStdout = lastLine(words) === '' && (end.code === EXIT_NOT_STARTED || end.code === EXIT_NOT_FOUND);
  const said = isOnStdout ? seen.toString() : words;
  const last = lastLine(said);
  if (NO_CMDOP.test(said) || (end.code === EXIT_NOT_FOUND && /cmdop/.test(said))) {
    return new CmdopError('not-installed', `${host} has no cmdop: \`cmdop hosts install ${host}\` brings it there`, { host });
  }
  if (/no host runs here/.test(last)) return noHost(host);
  const how = end.signal ? `ended by ${end.signal}` : end.code === null ? 'the connection ended' : `exit code ${end.code}`;
  const noise = seen.length > 0 && !isOnStdout ? `; ${saying(seen)}` : '';
  if (last) return unreachable(host, `${last} (${how})${noise}`);
  const remedy = end.code === null ? '' : ': a login script there may have ended it, or something else than cmdop answered';
  return unreachable(host, `its bridge ended without a word (${how})${noise}${remedy}`);
}

/** A program that neither ended nor answered. */
export function slow({ host, seen, afterMs }: { host: string; seen: Buffer; afterMs: number }): CmdopError {
  const why = seen.length > 0 ? saying(seen) : 'it said nothing';
  return unreachable(host, `no host answered within ${afterMs / 1000} s; ${why}: a login script must not ask or wait`);
}

export const noHost = (host: string) =>
  new CmdopError('host-unreachable', `no host runs on ${host}: \`cmdop -H ${host} host start\` starts it`, { isNoHost: true });

/** The last of what a stream says, as it comes. */
export function tailOf(stream: Readable): () => string {
  let text = '';
  stream.on('error', () => {}); // the program's end tells
  stream.on('data', (bytes: Buffer) => {
    text = (text + bytes.toString()).slice(-MAX_WORDS_BYTES);
  });
  return () => text;
}

/** The last of what a program or our `sh` complained about, without its own name in front. */
export const lastLine = (words: string): string =>
  words
    .split('\n')
    .map(printable)
    .filter((line) => line !== '' && !OF_KUBECTL.test(line))
    .at(-1)
    ?.replace(/^cmdop: (\d+: |line \d+: )?/, '') ?? '';

const unreachable = (host: string, why: string) => new CmdopError('host-unreachable', `${host}: ${why}`, { host });

const saying = (seen: Buffer) => `it said ${JSON.stringify(printable(seen.toString()).slice(-SHOWN_NOISE))}`;

/** Without control characters: it comes from elsewhere, and goes to a terminal. */
const printable = (text: string) =>
  text
    .replace(/\x1b\[[0-?]*[ -/]*[@-~]/g, '')
    .replace(/[\x00-\x1f\x7f-\x9f]+/g, ' ')
    .trim();
