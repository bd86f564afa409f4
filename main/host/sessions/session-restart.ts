/**
 * A new shell in a session that has ended: same id, offsets that go on, below the old screen and marked as new.
 * Nothing is run again: what ran is only shown.
 */
import { statSync } from 'node:fs';
import { homeFolder } from '#local/home-folder.ts';
import { CmdopError } from '#protocol/errors.ts';
import type { Params } from '#protocol/messages.ts';
import type { Actor, ScreenText, SessionEnd } from '#protocol/shapes.ts';
import type { StoredSession } from '../journal/records.ts';
import type { KeeperStarter } from '../keepers/keeper-starter.ts';
import { keeperMeta } from '../keepers/left-with-keeper.ts';
import { lives } from '../keepers/living-keeper.ts';
import { prepareLaunch, removeLaunchFiles } from '../keepers/shell-launch.ts';
import { bootId } from './boot.ts';
import type { LiveSession } from './live-session.ts';
import type { SessionSurroundings } from './open-session.ts';
import type { Started } from './session-creation.ts';

export type RestartOptions = SessionSurroundings & {
  old: LiveSession;
  wanted: Params<'session.restart'>;
  by: Actor;
  keepers: KeeperStarter;
  shellDir: string;
  version: string;
};

export class SessionRestart {
  readonly #options: RestartOptions;
  readonly #cwd: string;
  /** The session's last folder is gone. */
  readonly isHome: boolean;

  constructor(options: RestartOptions) {
    this.#options = options;
    const { cwd } = options.old.summary();
    this.isHome = !isFolder(cwd);
    this.#cwd = this.isHome ? homeFolder() : cwd;
  }

  /** Starts the keeper and retires the old session; what it gives is to be opened. While it rejects, the old one stays as it was. */
  async perform(): Promise<Started> {
    const { old, wanted, by, keepers, paths, journal, records, clock, screens, shellDir, version } = this.#options;
    const socket = paths.keeperSocket(old.id);
    await old.output.screen.open();
    const screen = await screens.read(old.id);
    await old.left;
    if (await lives(socket, old.id)) {
      throw new CmdopError('session-running', `the keeper of ${old.name} still lives: \`cmdop host upgrade --force\` finds it again`);
    }
    const launch = prepareLaunch({
      session: old.id,
      command: null,
      cwd: this.#cwd,
      env: wanted.env ?? {},
      runDir: paths.runDir,
      shellDir,
      version,
    });
    try {
      const { end, command, size } = old.stored;
      const stored: StoredSession = {
        ...old.stored,
        command: [launch.file],
        cwd: this.#cwd,
        title: '',
        endedAt: null,
        end: null,
        bootId: bootId(),
      };
      await keepers.start({
        session: old.id,
        socket,
        meta: keeperMeta(stored, launch.nonce),
        file: launch.file,
        args: [...launch.args],
        env: launch.env,
        cwd: this.#cwd,
        ...size,
        startOffset: old.output.end,
        banner: bannerText({ now: clock.wallNow(), end, command, screen, goneFolder: this.isHome ? old.summary().cwd : null }),
      });
      const record = { session: old.id, actor: by.id, interface: by.interface, outputOffset: old.output.end };
      journal.append({ ...record, kind: 'session', payload: { is: 'restarted', command: stored.command, cwd: this.#cwd } });
      records.saveSession(stored);
      // The new shell runs: nothing about the old one's files keeps anybody from it.
      await old.retire().catch((error: unknown) => console.error(`session ${old.id}, as it was, could not be closed:`, error));
      return { stored, nonce: launch.nonce, files: launch.files };
    } catch (error) {
      removeLaunchFiles(launch.files);
      throw error;
    }
  }
}

export type Banner = {
  now: number;
  end: SessionEnd | null;
  command: readonly string[];
  screen: Pick<ScreenText, 'lines' | 'cursor'> & { modes: Pick<ScreenText['modes'], 'alternateScreen'> };
  /** The folder that the session was in and that is no more. */
  goneFolder: string | null;
};

/** Whatever the old program left on or half said is ended; then, below what it showed, a rule that says what is new. */
export function bannerText({ now, end, command, screen, goneFolder }: Banner): string {
  const lines = screen.lines.slice(0, screen.lines.findLastIndex((line) => line !== '') + 1);
  const below = Math.max(lines.length, screen.modes.alternateScreen ? 0 : screen.cursor.row);
  // What a full-screen program showed goes with its screen, so it is printed once more, as text.
  const place = screen.modes.alternateScreen
    ? `\x1b[?1049l\r\n${lines.map((line) => `${clean(line)}\r\n`).join('')}`
    : `\x1b[${below + 1};1H`;
  const isScrolled = !screen.modes.alternateScreen && below >= screen.lines.length;
  const words = ['new shell', date(now), `the old one ${endWords(end)}`];
  if (command.length > 1 || !/(^|\/)\w*sh$/.test(command[0] ?? '')) words.push(`it ran: ${clean(command.join(' ')).slice(0, 200)}`);
  if (goneFolder !== null) words.push(`its folder ${clean(goneFolder)} is gone, this is your home`);
  return `${LEFTOVERS_OFF}${place}${isScrolled ? '\r\n' : ''}\x1b[2m── ${words.join(' · ')} ──\x1b[m\r\n`;
}

/** Ends a sequence and a string that were cut off, then every mode that a program can leave on: reports, keys, drawing. */
const LEFTOVERS_OFF = [
  '\x18\x1b\\',
  '\x1b[?9;1000;1001;1002;1003;1005;1006;1015;1016l\x1b[?1004;2004;2026;2031;2048l',
  '\x1b[>4m\x1b[<16u\x1b[?1;66l\x1b>',
  '\x1b[m\x1b[0"q\x1b(B\x1b)B\x0f\x1b[4;20l\x1b[?5;6;45;69l\x1b[?7h\x1b[r\x1b[?25h\x1b[0 q\x1b]8;;\x1b\\',
].join('');

function endWords(end: SessionEnd | null): string {
  if (end?.reason === 'machine-restarted') return 'ended with the machine';
  if (end?.reason === 'keeper-lost') return 'ended with its keeper';
  if (end?.signal) return `was ended by ${end.signal}`;
  return `ended${end?.code == null ? '' : ` with exit code ${end.code}`}`;
}

function date(time: number): string {
  return new Intl.DateTimeFormat('en-GB', {
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).format(time);
}

/** Text of others, without what a terminal would obey. */
const clean = (text: string) => text.replaceAll(/\p{Cc}/gu, ' ');

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false; // gone, or not ours to enter
  }
}
