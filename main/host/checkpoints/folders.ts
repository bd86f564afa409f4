/** Which folder a checkpoint in a session is of, and which folders are too wide for one. */
import { statSync } from 'node:fs';
import { readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { CmdopError } from '#protocol/errors.ts';

/** Folders that hold other people's, the system's or everybody's files. */
const TOO_WIDE: ReadonlySet<string> = new Set(
  `/ /bin /boot /dev /etc /home /lib /lib32 /lib64 /lost+found /media /mnt /opt /proc /root /run /sbin /srv /sys /tmp /usr /usr/local
   /var /var/lib /var/tmp /Applications /Library /System /Users /Volumes /private /private/tmp /private/var`.split(/\s+/),
);
/** What the kernel makes up is no file. */
const NOT_FILES = ['/proc', '/sys', '/dev'];

export type FolderRules = { home: string /** cmdop's own state: a checkpoint would hold itself. */; stateDir: string };

/**
 * The top of the git working tree around `cwd`, as it is the whole that is worked on; where there is none, or that is too
 * wide, `cwd` itself. Links are followed. Throws `no-folder`.
 */
export async function checkpointFolder(cwd: string, rules: FolderRules): Promise<string> {
  const real = await realpath(cwd).catch(() => null);
  if (real === null || !(await isFolder(real))) throw new CmdopError('no-folder', `no checkpoint of ${cwd}: the folder is not there`);
  for (let folder = real; ; folder = dirname(folder)) {
    if (await isWorkingTree(folder)) {
      if (tooWide(folder, rules) === null) return folder;
      break;
    }
    if (dirname(folder) === folder) break;
  }
  const why = tooWide(real, rules);
  if (why !== null) throw new CmdopError('no-folder', `no checkpoint of ${real}: it ${why}; go to a folder of one project`);
  return real;
}

function tooWide(folder: string, { home, stateDir }: FolderRules): string | null {
  const isIn = (inner: string, outer: string) => inner === outer || inner.startsWith(outer.endsWith(sep) ? outer : outer + sep);
  if (isIn(resolve(home), folder)) return folder === resolve(home) ? 'is your home folder' : 'holds your home folder';
  if (TOO_WIDE.has(folder) || dirname(folder) === folder) return 'is a folder of the system';
  if (NOT_FILES.some((place) => isIn(folder, place))) return 'holds no real files';
  if (isIn(stateDir, folder) || isIn(folder, stateDir)) return "holds cmdop's own files";
  return null;
}

const isFolder = (path: string) =>
  stat(path).then(
    (entry) => entry.isDirectory(),
    () => false,
  );

/** A `.git` that is a repository, or the file that a worktree or submodule has instead. */
async function isWorkingTree(folder: string): Promise<boolean> {
  const gitPath = join(folder, '.git');
  const entry = await stat(gitPath).catch(() => null);
  if (!entry) return false;
  if (entry.isDirectory())
    return stat(join(gitPath, 'HEAD')).then(
      () => true,
      () => false,
    );
  return entry.isFile() && entry.size < 64 * 1024 && (await readFile(gitPath, 'utf8')).startsWith('gitdir: ');
}

/** What the user's own repository of a folder has beside the files: only read, never opened with git. */
export async function ownRepository(folder: string): Promise<{ exclude: string | null; index: string | null }> {
  const gitPath = join(folder, '.git');
  const entry = await stat(gitPath).catch(() => null);
  if (!entry) return { exclude: null, index: null };
  let gitDir = gitPath;
  if (entry.isFile()) {
    const link = /^gitdir: (.+)/.exec(await readFile(gitPath, 'utf8').catch(() => ''))?.[1];
    if (!link) return { exclude: null, index: null };
    gitDir = resolve(folder, link.trim());
  }
  const link = plainFile(join(gitDir, 'commondir'));
  const common = link === null ? gitDir : resolve(gitDir, (await readFile(link, 'utf8').catch(() => '')).trim()); // unreadable: it is none
  return { exclude: plainFile(join(common, 'info', 'exclude')), index: plainFile(join(gitDir, 'index')) };
}

/** The path, if a file is there that can be read to its end: no pipe, no device. */
export function plainFile(path: string): string | null {
  const entry = statSync(path, { throwIfNoEntry: false });
  return entry?.isFile() && entry.size < 256 * 1024 * 1024 ? path : null;
}
