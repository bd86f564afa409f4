/** SHA-256 by Node, for transfers of files. */
import { createHash } from 'node:crypto';
import type { RunningHash } from '#client/files/file-bytes.ts';

export function nodeHash(): RunningHash {
  const hash = createHash('sha256');
  return { update: (bytes) => void hash.update(bytes), digest: () => hash.copy().digest('hex') };
}
