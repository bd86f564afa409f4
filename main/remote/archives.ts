/** What can be put on other machines: archives made by `npm run build:remote`, one for each platform. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { programPath } from '#local/runtime.ts';
import { CmdopError } from '#protocol/errors.ts';

const manifest = z.object({
  version: z.string().regex(/^\d+\.\d+\.\d+[\w.-]*$/),
  /** `linux-x64`, `darwin-arm64`… as Node names them. */
  platform: z.string(),
  file: z.string().regex(/^[\w.-]+$/),
  bytes: z.number().int().positive(),
  unpackedBytes: z.number().int().positive(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});
export type Archive = z.infer<typeof manifest> & { readonly path: string };

/** Beside the programs, in a checkout and in the app. */
export const archivesFolder = (): string => join(dirname(programPath('host')).replace(/[\\/]main[\\/]host$/, '/dist'), 'remote');

/** Throws `not-installed` where there is none for that platform. */
export function archiveFor(platform: string, folder: string = archivesFolder()): Archive {
  const file = join(folder, `${platform}.json`);
  if (!existsSync(file)) {
    throw new CmdopError(
      'not-installed',
      `there is no cmdop for ${platform} here: run \`npm run build:remote\` in cmdop's folder on such a machine, and copy its dist/remote to ${folder}`,
    );
  }
  const parsed = manifest.safeParse(JSON.parse(readFileSync(file, 'utf8')));
  const path = parsed.success ? join(folder, parsed.data.file) : '';
  if (!parsed.success || !existsSync(path)) {
    throw new CmdopError('not-installed', `${file} does not fit its archive: run \`npm run build:remote\` again`);
  }
  return { ...parsed.data, path };
}

/** Name of the folder that an archive is unpacked to: its version and content. */
export const folderName = ({ version, sha256 }: Archive): string => `${version}-${sha256.slice(0, 12)}`;
