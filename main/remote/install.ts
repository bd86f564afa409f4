/** Puts cmdop on another machine, into the account's home: nothing half, nothing twice, and nothing without a yes before. */
import { posix } from 'node:path';
import { CmdopError } from '#protocol/errors.ts';
import { type Archive, archiveFor, folderName } from './archives.ts';
import type { Asker } from './asker.ts';
import { lastLine, tailOf } from './bridge-stream.ts';
import { replaceHost } from './hosts-file.ts';
import { carrierOf, type Machine, onMachine } from './install-machine.ts';
import { answersIn, FINISH, FINISH_AGAIN, FORGET, LOOK, PREPARE, remarksIn } from './install-scripts.ts';
import { wayTo } from './reach.ts';
import { upload } from './upload.ts';
import { uploadByProgram } from './upload-by-program.ts';

/** Attempts to go on with an upload, each after progress: a line that carries nothing ends it. */
const MAX_FRUITLESS = 3;
/** Most that is read of what a script prints, bytes. */
const MAX_ANSWER_BYTES = 256 * 1024;
/** Room that must be left beside archive and unpacked files, bytes. */
const SPARE_BYTES = 16 * 1024 * 1024;

export type InstallOptions = {
  readonly ask: Asker;
  readonly configFile?: string;
  /** Where the archives are, if not beside the programs. */
  readonly archives?: string;
};

export type InstallPlan = {
  readonly host: string;
  /** As in `linux-x64`. */
  readonly platform: string;
  readonly version: string;
  /** To send. */
  readonly bytes: number;
  /** Absolute, on the other machine. */
  readonly folder: string;
  /** That very build is there already. */
  readonly isThere: boolean;
  /** The version that is in use there; null if none. */
  readonly current: string | null;
};

export type InstallProgress = { readonly step: 'uploading' | 'unpacking'; readonly doneBytes: number; readonly bytes: number };

/** What an installation would do. Changes nothing. Throws a sentence for what is in the way: platform, tools, room, rights. */
export async function planInstall(host: string, options: InstallOptions): Promise<InstallPlan> {
  const { plan } = await onMachine(host, options, (there) => look(host, there, options));
  return plan;
}

/** Resolves with what the person should know besides: a command of that name that is not ours, say. */
export async function install(
  host: string,
  options: InstallOptions & { progress: (progress: InstallProgress) => void },
): Promise<{ readonly plan: InstallPlan; readonly remarks: readonly string[] }> {
  const { plan, archive } = await onMachine(host, options, (there) => look(host, there, options));
  if (!plan.isThere) await send(host, archive, options);
  options.progress({ step: 'unpacking', doneBytes: archive.bytes, bytes: archive.bytes });
  const remarks = await onMachine(host, options, (there) => finish(host, there, { archive, isThere: plan.isThere }));
  return { plan, remarks: [...remarks, ...callByPath(host, posix.dirname(plan.folder))] };
}

/** A command finds a program by a path of the other side that no login script has set: ours is named by where it is. */
function callByPath(host: string, folder: string): string[] {
  const way = wayTo(host);
  if (way.by !== 'command') return [];
  const { words, cmdop } = carrierOf(host, way.command);
  const program = `${folder}/current/bin/cmdop`;
  if (cmdop === program) return [];
  // The other side says where its home is: what a shell between here and there could take apart is for a person to write.
  if (!/^\/[\w./@+-]+$/.test(program)) return [`put ${JSON.stringify(program)} in the place of ${cmdop} in the hosts file`];
  replaceHost(host, { command: [...words, program, 'bridge'] });
  return [`it is called from now on as: ${[...words, program, 'bridge'].join(' ')}`];
}

async function look(host: string, there: Machine, { archives }: InstallOptions): Promise<{ plan: InstallPlan; archive: Archive }> {
  // The platform decides which archive, and so which folder to look for.
  const platform = platformOf(host, (await looked(host, there, '-')).values);
  const archive = archiveFor(platform, archives);
  const { values, tools } = await looked(host, there, folderName(archive));
  const parent = values.get('folder') ?? '';
  const isThere = values.get('installed') === 'yes';
  const missing = ['tar', 'gzip'].filter((tool) => !tools.has(tool));
  if (!['sha256sum', 'shasum', 'openssl'].some((tool) => tools.has(tool))) missing.push('sha256sum');
  if (missing.length > 0)
    throw obstacle(host, `it has no ${missing.join(' and no ')}: install ${missing.length > 1 ? 'them' : 'it'} there`);
  if (values.get('writable') !== 'yes') {
    throw obstacle(host, `${values.get('obstacle') ?? parent} cannot be written to: make ${parent} there, and give it to the account`);
  }
  const needed = archive.bytes + archive.unpackedBytes + SPARE_BYTES;
  const free = Number(values.get('free')) * 1024;
  if (!isThere && Number.isFinite(free) && values.get('free') !== '' && free < needed) {
    throw obstacle(host, `${parent} has ${megabytes(free)} of room and needs ${megabytes(needed)}: make room there`);
  }
  const current = values.get('current')?.split('/').at(-1) || null;
  const plan = {
    host,
    platform,
    version: archive.version,
    bytes: archive.bytes,
    folder: `${parent}/${folderName(archive)}`,
    isThere,
    current,
  };
  return { plan, archive };
}

async function looked(host: string, there: Machine, folder: string): Promise<ReturnType<typeof answersIn>> {
  const { printed, words } = await run(there, LOOK, [folder]);
  const answers = answersIn(printed);
  if (answers.values.has('end')) return answers;
  const why = words ? ` (${words})` : ': the account may be restricted to one command';
  throw obstacle(host, `its shell did not run our commands${why}`);
}

function platformOf(host: string, values: ReadonlyMap<string, string>): string {
  const [os = '', machine = ''] = [values.get('os'), values.get('machine')];
  const system = { Linux: 'linux', Darwin: 'darwin' }[os];
  const architecture = { x86_64: 'x64', amd64: 'x64', aarch64: 'arm64', arm64: 'arm64' }[machine];
  if (!system || !architecture)
    throw obstacle(
      host,
      `it is ${os || 'an unknown system'} on ${machine || 'an unknown processor'}, which cmdop is not made for: it needs Linux or macOS on x64 or arm64`,
    );
  if (system === 'linux' && values.get('libc') !== 'glibc') {
    throw obstacle(host, 'its Linux has no glibc (it may be Alpine), which the Node that cmdop brings along needs');
  }
  return `${system}-${architecture}`;
}

async function send(
  host: string,
  archive: Archive,
  options: InstallOptions & { progress: (progress: InstallProgress) => void },
): Promise<void> {
  let best = 0;
  for (let fruitless = 0; ; ) {
    const before = best;
    try {
      await onMachine(host, options, async (there) => {
        const prepared = await run(there, PREPARE);
        const folder = answersIn(prepared.printed).values.get('upload');
        if (!folder) {
          const why = prepared.words || 'no reason was given';
          // After something was sent it is the machine that went away, not the folder.
          throw best > 0 ? new Error(why) : obstacle(host, `its folder for uploads cannot be made: ${why}`);
        }
        const to = `${folder}/${folderName(archive)}.tar.gz`;
        const progress = (doneBytes: number) => {
          best = Math.max(best, doneBytes);
          options.progress({ step: 'uploading', doneBytes, bytes: archive.bytes });
        };
        const file = { from: archive.path, to, bytes: archive.bytes, progress };
        const sftp = await there.sftp();
        if (!sftp) return uploadByProgram({ machine: there, ...file });
        try {
          await upload({ sftp, ...file });
        } finally {
          sftp.end();
        }
      });
      return;
    } catch (error) {
      fruitless = best > before ? 0 : fruitless + 1;
      if (isRefusal(error)) {
        await onMachine(host, options, (there) => run(there, FORGET));
        throw obstacle(
          host,
          `the archive cannot be written there (${(error as Error).message}), and what was sent is removed: make room, or see to the rights`,
        );
      }
      if (error instanceof CmdopError && error.code !== 'host-unreachable' && error.code !== 'disconnected') throw error;
      if (fruitless >= MAX_FRUITLESS) {
        throw obstacle(
          host,
          `the upload broke off at ${megabytes(best)} of ${megabytes(archive.bytes)} (${(error as Error).message}); run it again, it goes on there`,
        );
      }
    }
  }
}

/** The server answered, with no: an SFTP status, where a broken line has none. */
const isRefusal = (error: unknown) =>
  error instanceof Error && !(error instanceof CmdopError) && typeof (error as { code?: unknown }).code === 'number';

async function finish(
  host: string,
  there: Machine,
  { archive, isThere }: { archive: Archive; isThere: boolean },
): Promise<readonly string[]> {
  const { printed, words } = isThere
    ? await run(there, FINISH_AGAIN, [folderName(archive)])
    : await run(there, FINISH, [folderName(archive), archive.sha256]);
  const { values } = answersIn(printed);
  if (values.get('done') === 'yes') return remarksIn(printed);
  const why = words || 'no reason was given';
  switch (values.get('failed')) {
    case 'hash':
      throw obstacle(host, 'the archive arrived damaged and was removed: run it again');
    case 'unpack':
      throw obstacle(host, `the archive cannot be unpacked there (${why}), and nothing was installed: make room, or see to its tar`);
    case 'run':
      throw obstacle(
        host,
        `its Node does not run there, and nothing was installed: ${why}${/permission denied/i.test(why) ? ' (is the home mounted noexec?)' : ''}`,
      );
    case 'place':
      throw obstacle(host, `it cannot take its place there, and nothing was installed: ${why}`);
    default:
      throw obstacle(host, `the installation did not end: ${why}`);
  }
}

/** What a script printed, and the last line it complained with. */
async function run(there: Machine, script: string, args: readonly string[] = []): Promise<{ printed: string; words: string }> {
  const { stdin, stdout, stderr, exited } = await there.run(script, args);
  const words = tailOf(stderr);
  const closed = new Promise<void>((resolve) => stdout.once('close', resolve));
  let printed = '';
  stdin.on('error', () => {}); // its end tells, here and below
  stdout.on('error', () => {});
  stdout.on('data', (bytes: Buffer) => {
    if (printed.length < MAX_ANSWER_BYTES) printed += bytes.toString();
  });
  stdin.end();
  const { error } = await exited;
  if (error) throw error;
  await closed;
  return { printed, words: lastLine(words()) };
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;
const obstacle = (host: string, why: string) => new CmdopError('not-installed', `${host}: ${why}`, { host });
