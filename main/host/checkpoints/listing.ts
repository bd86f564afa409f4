/** What has to be looked at in a folder for its next checkpoint: what git does not know yet, what changed, what is too big. */
import { accessSync, type BigIntStats, constants, copyFileSync, existsSync, lstatSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { type BytePath, below, fromBytes, splitAtNul, toBytes } from './byte-path.ts';
import { ownRepository, plainFile } from './folders.ts';
import { git, type Shadow } from './git.ts';
import { parted } from './safe-folder.ts';

/** Bigger files are left out, bytes: a checkpoint is of what people and agents write, not of disk images. */
export const MAX_FILE_BYTES = 64 * 1024 * 1024;

export type Found = { readonly path: BytePath; readonly stat: BigIntStats };
export type Listing = {
  /** New or changed: plain files and symbolic links. */
  readonly changed: Found[];
  /** Not there any more, or now left out. */
  readonly gone: BytePath[];
  /** Too big, or not ours to read. */
  readonly skipped: BytePath[];
  /** Repositories within, whose files git does not list as the folder's own. */
  readonly nested: BytePath[];
};

export type ListingSource = {
  shadow: Shadow /** Of this folder, in the shadow. */;
  indexFile: string /** The user's own. */;
  excludesFile: string | null;
};

/** Every name twice looked up would be a race: each is looked at once, here. */
export async function listFolder({ shadow, indexFile, excludesFile }: ListingSource): Promise<Listing> {
  const env = { GIT_INDEX_FILE: indexFile };
  const own = await ownRepository(shadow.folder);
  const patterns = [excludesFile, own.exclude].flatMap((file) => (file === null ? [] : [`--exclude-from=${file}`]));
  const excludes = ['--exclude-per-directory=.gitignore', ...patterns];
  const [untracked, changed, kept] = await Promise.all([
    git(shadow, ['ls-files', '-z', '--others', ...excludes], { env }),
    existsSync(indexFile) ? git(shadow, ['diff-files', '-z', '--name-only', '--ignore-submodules=all'], { env }) : Buffer.alloc(0),
    own.index ? keptThoughIgnored(shadow, own.index, excludes) : [],
  ]);
  const names = new Set([...splitAtNul(untracked), ...splitAtNul(changed), ...kept]);
  const nested = [...names].filter((name) => name.endsWith('/')).map((name) => name.slice(0, -1) as BytePath);
  const found: Listing = { changed: [], gone: [], skipped: [], nested };
  const isReal = realFolders(shadow.folder);
  for (const path of names) {
    if (path.endsWith('/')) continue;
    if (isReal(parted(path).folder)) sort(shadow.folder, path, found);
    else found.gone.push(path);
  }
  return found;
}

/** Tells of a folder below whether it is one: what lies behind a link that has taken its place is not its own. */
function realFolders(folder: string): (path: BytePath) => boolean {
  const known = new Map<BytePath, boolean>([['' as BytePath, true]]);
  const isReal = (path: BytePath): boolean => {
    let real = known.get(path);
    if (real === undefined) {
      real = isReal(parted(path).folder) && lstatSync(below(folder, path), { throwIfNoEntry: false })?.isDirectory() === true;
      known.set(path, real);
    }
    return real;
  };
  return isReal;
}

function sort(folder: string, path: BytePath, { changed, gone, skipped }: Listing): void {
  const place = below(folder, path);
  const stat = lstatSync(place, { throwIfNoEntry: false, bigint: true });
  if (!stat || !(stat.isFile() || stat.isSymbolicLink())) gone.push(path);
  else if (stat.isFile() && (stat.size > MAX_FILE_BYTES || !isReadable(place))) {
    skipped.push(path);
    gone.push(path);
  } else changed.push({ path, stat });
}

function isReadable(place: Buffer): boolean {
  try {
    accessSync(place, constants.R_OK);
    return true;
  } catch {
    return false; // it is told as left out
  }
}

/** What the user has added to git although a pattern ignores it. From a copy of their index, which stays untouched. */
async function keptThoughIgnored(shadow: Shadow, index: string, excludes: readonly string[]): Promise<BytePath[]> {
  const copy = join(shadow.gitDir, `index-copy-${process.pid}`);
  try {
    copyFileSync(index, copy);
    return splitAtNul(await git(shadow, ['ls-files', '-z', '--cached', '--ignored', ...excludes], { env: { GIT_INDEX_FILE: copy } }));
  } catch {
    return []; // an index in pieces, or of another kind of hash: such files count as ignored
  } finally {
    rmSync(copy, { force: true });
  }
}

/** The file of patterns that the user's git ignores everywhere. Reading it runs nothing. */
export async function globalExcludes(shadow: Shadow): Promise<string | null> {
  const home = process.env.HOME ?? homedir();
  const config = process.env.XDG_CONFIG_HOME || join(home, '.config');
  const env = {
    HOME: home,
    XDG_CONFIG_HOME: config,
    GIT_CONFIG_NOSYSTEM: '0',
    GIT_CONFIG_GLOBAL: existsSync(join(home, '.gitconfig')) ? join(home, '.gitconfig') : join(config, 'git', 'config'),
    GIT_CONFIG_SYSTEM: '/etc/gitconfig',
  };
  const asked = await git(
    { ...shadow, folder: dirname(shadow.gitDir) },
    ['config', '--global', '--type=path', '--get', 'core.excludesFile'],
    {
      env,
      allow: [1, 128],
    },
  ).catch(() => Buffer.alloc(0)); // a configuration that cannot be read has no patterns
  const named = fromBytes(asked).trim();
  return plainFile(named === '' ? join(config, 'git', 'ignore') : toBytes(named as BytePath).toString());
}
