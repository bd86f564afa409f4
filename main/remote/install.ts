/** Puts cmdop on a machine over SSH, into the account's home: nothing half, nothing twice, and nothing without a yes before. */
import { CmdopError } from '#protocol/errors.ts';
import { type Archive, archiveFor, folderName } from './archives.ts';
import type { Asker } from './asker.ts';
import { tailOf } from './bridge-stream.ts';
import { answersIn, FINISH, FORGET, LOOK, PREPARE } from './install-scripts.ts';
import { loginCommand } from './login-shell.ts';
import { wayTo } from './reach.ts';
import { type SshHost, withSshHost } from './ssh-host.ts';
import { upload } from './upload.ts';

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
  const { plan } = await onHost(host, options, (there) => look(host, there, options));
  return plan;
}

/** Resolves with what the person should know besides: a command of that name that is not ours, say. */
export async function install(
  host: string,
  options: InstallOptions & { progress: (progress: InstallProgress) => void },
): Promise<{ readonly plan: InstallPlan; readonly remarks: readonly string[] }> {
  const { plan, archive } = await onHost(host, options, (there) => look(host, there, options));
  if (!plan.isThere) await send(host, archive, options);
  options.progress({ step: 'unpacking', doneBytes: archive.bytes, bytes: archive.bytes });
  const remarks = await onHost(host, options, (there) => finish(host, there, { archive, isThere: plan.isThere }));
  return { plan, remarks };
}

function onHost<T>(host: string, { ask, configFile }: InstallOptions, work: (there: SshHost) => Promise<T>): Promise<T> {
  const way = wayTo(host);
  if (way.by === 'ssh') return withSshHost(way.ssh, { ask, configFile }, work);
  const why = {
    local: 'is this machine',
    command: 'is reached by a command: put cmdop into its image, as the README shows',
    share: 'is somebody else’s, and you are a guest there: its owner installs',
  }[way.by];
  throw new CmdopError('bad-request', `${host} ${why}`);
}

async function look(host: string, there: SshHost, { archives }: InstallOptions): Promise<{ plan: InstallPlan; archive: Archive }> {
  // The platform decides which archive, and so which folder to look for.
  const first = answersIn((await run(there, loginCommand(LOOK, ['-']))).printed).values;
  if (!first.has('end')) throw obstacle(host, 'its shell did not run our commands: the account may be restricted to one command');
  const platform = platformOf(host, first);
  const archive = archiveFor(platform, archives);
  const { values, tools } = answersIn((await run(there, loginCommand(LOOK, [folderName(archive)]))).printed);
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
      await onHost(host, options, async (there) => {
        const prepared = await run(there, loginCommand(PREPARE));
        const folder = answersIn(prepared.printed).values.get('upload');
        if (!folder) throw obstacle(host, `its folder for uploads cannot be made: ${prepared.words || 'no reason was given'}`);
        const sftp = await there.link.sftp().catch((error: unknown) => {
          throw obstacle(
            host,
            `it gives no file transfer (${(error as Error).message}): let its sshd have \`Subsystem sftp internal-sftp\``,
          );
        });
        try {
          await upload({
            sftp,
            from: archive.path,
            to: `${folder}/${folderName(archive)}.tar.gz`,
            bytes: archive.bytes,
            progress: (doneBytes) => {
              best = Math.max(best, doneBytes);
              options.progress({ step: 'uploading', doneBytes, bytes: archive.bytes });
            },
          });
        } finally {
          sftp.end();
        }
      });
      return;
    } catch (error) {
      fruitless = best > before ? 0 : fruitless + 1;
      if (isRefusal(error)) {
        await onHost(host, options, (there) => run(there, loginCommand(FORGET)));
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

async function finish(host: string, there: SshHost, { archive, isThere }: { archive: Archive; isThere: boolean }): Promise<string[]> {
  const command = isThere
    ? loginCommand('n="$HOME/.local/share/cmdop/$1"; exec "$n/bin/cmdop" __installed "$n" "$HOME/.local/share/cmdop"', [
        folderName(archive),
      ])
    : loginCommand(FINISH, [folderName(archive), archive.sha256]);
  const { printed, words } = await run(there, command);
  const { values } = answersIn(printed);
  if (values.get('done') === 'yes') return [...printed.matchAll(/^cmdop-remark (.*)$/gm)].map(([, remark = '']) => remark);
  const why = words || 'no reason was given';
  switch (values.get('failed')) {
    case 'hash':
      throw obstacle(host, 'the archive arrived damaged and was removed: run it again');
    case 'unpack':
      throw obstacle(host, `the archive cannot be unpacked there: ${why}`);
    case 'run':
      throw obstacle(host, `its Node does not run there, and nothing was installed: ${why}`);
    default:
      throw obstacle(host, `the installation did not end: ${why}`);
  }
}

/** What a script printed, and the last line it complained with. */
async function run(there: SshHost, command: string): Promise<{ printed: string; words: string }> {
  const { stream, stderr, exited } = await there.exec(command);
  const words = tailOf(stderr);
  const closed = new Promise<void>((resolve) => stream.once('close', resolve));
  let printed = '';
  stream.on('error', () => {}); // its end tells
  stream.on('data', (bytes: Buffer) => {
    if (printed.length < MAX_ANSWER_BYTES) printed += bytes.toString();
  });
  stream.end();
  await Promise.all([exited, closed]);
  const last =
    words()
      .replace(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/g, '')
      .trim()
      .split('\n')
      .at(-1) ?? '';
  return { printed, words: last };
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;
const obstacle = (host: string, why: string) => new CmdopError('not-installed', `${host}: ${why}`, { host });
