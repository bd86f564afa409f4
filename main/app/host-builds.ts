/** Which build of cmdop each host could run, and bringing this one to it. */
import { buildId } from '#local/build-id.ts';
import { nodePath, programPath } from '#local/runtime.ts';
import { VERSION } from '#local/version.ts';
import { LOCAL_HOST } from '#protocol/address.ts';
import type { HostBuild } from '../../preload/api.ts';
import { install } from '../remote/install.ts';
import { placeOf } from '../remote/reach.ts';
import { tellPage } from './page-events.ts';
import { askPage } from './questions.ts';

/** The page hears of progress at most so often, milliseconds. */
const TELL_EVERY_MS = 100;

/** What could take the place of the host that runs there; null where its command does not tell. Rejects if it cannot be reached. */
export async function hostBuild(host: string): Promise<HostBuild | null> {
  if (host === LOCAL_HOST) {
    const hostBundle = programPath('host');
    return { version: VERSION, build: buildId(hostBundle), node: nodePath(), hostBundle, isOlder: false };
  }
  const ask = askPage(host);
  try {
    const place = await placeOf(host, { ask });
    if (!place) return null;
    const { version, build, node, hostBundle } = place;
    return { version, build, node, hostBundle, isOlder: isOlder(version, VERSION) };
  } finally {
    ask.end();
  }
}

/** By the numbers in front; a newer host is left as it is, since it knows how to speak to us. */
function isOlder(version: string, than: string): boolean {
  const [a, b] = [version, than].map((each) => each.split(/[.+-]/).slice(0, 3).map(Number));
  const at = a?.findIndex((part, i) => part !== b?.[i]) ?? -1;
  return at !== -1 && (a?.[at] ?? 0) < (b?.[at] ?? 0);
}

/** Rejects with a sentence that says what is in the way; nothing half is left there. */
export async function installOn(host: string): Promise<void> {
  const ask = askPage(host);
  let toldAt = Number.NEGATIVE_INFINITY;
  try {
    const { remarks } = await install(host, {
      ask,
      progress: ({ step, doneBytes, bytes }) => {
        const now = performance.now();
        if (step === 'uploading' && now - toldAt < TELL_EVERY_MS) return;
        toldAt = now;
        const text = step === 'uploading' ? `Sending cmdop, ${(bytes / 1e6).toFixed(0)} MB` : 'Unpacking';
        tellPage({ is: 'installing', host, step: text, share: step === 'uploading' ? doneBytes / bytes : null });
      },
    });
    for (const text of remarks) tellPage({ is: 'notice', host, text });
  } finally {
    ask.end();
  }
}
