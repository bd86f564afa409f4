/** `hosts install`: brings cmdop to a machine over SSH, after a yes, and lets a host that runs there be replaced. */
import { homeFolder } from '#local/home-folder.ts';
import { type InstallProgress, install, planInstall } from '../remote/install.ts';
import { takePlace } from '../remote/installed-version.ts';
import { placeOf } from '../remote/reach.ts';
import { Interrupted, UsageError } from './exit-codes.ts';
import { upgrade } from './host-upgrade.ts';
import { note, print, printJson } from './output.ts';
import { askTerminal, ttyAsker } from './tty-asker.ts';

/** A line of progress at most so often, milliseconds. */
const SHOW_EVERY_MS = 100;

export async function installOn(host: string, options: { yes?: boolean; json?: boolean }): Promise<void> {
  const ask = ttyAsker({ mayAsk: () => true });
  const plan = await planInstall(host, { ask });
  const size = `${(plan.bytes / 1e6).toFixed(0)} MB`;
  if (!plan.isThere && !options.yes) {
    if (!process.stderr.isTTY)
      throw new UsageError(`nobody can be asked here: --yes installs cmdop ${plan.version} into ${plan.folder} on ${host}`);
    const answer = await askTerminal(`Install cmdop ${plan.version} for ${plan.platform} on ${host}, ${size}, into ${plan.folder}? [y/N]`, {
      isEchoed: true,
    });
    if (!/^y(es)?$/i.test(answer?.trim() ?? '')) throw new Interrupted('nothing was installed');
  }
  const shown = process.stderr.isTTY ? bar() : null;
  const { remarks } = await install(host, { ask, progress: shown?.show ?? (() => {}) }).finally(() => shown?.clear());
  for (const remark of remarks) note(remark);
  if (options.json) printJson({ ...plan, installed: true });
  else
    print(plan.isThere ? `${host} has this cmdop ${plan.version} already\n` : `cmdop ${plan.version} is on ${host}, in ${plan.folder}\n`);
  const place = await placeOf(host, { ask });
  if (place?.isRunning) await upgrade({ host, isQuiet: true, ...(options.json ? { json: true } : {}) });
}

/** By the new version, on the machine that it was brought to. */
export function installed(from: string, folder: string): void {
  for (const remark of takePlace({ from, folder, home: homeFolder() })) print(`cmdop-remark ${remark}\n`);
  print('cmdop-look done=yes\n');
}

function bar(): { show(progress: InstallProgress): void; clear(): void } {
  let shownAt = Number.NEGATIVE_INFINITY;
  return {
    show: ({ step, doneBytes, bytes }) => {
      const now = performance.now();
      const isEnd = step !== 'uploading' || doneBytes === bytes;
      if (!isEnd && now - shownAt < SHOW_EVERY_MS) return;
      shownAt = now;
      const share = doneBytes / bytes;
      const drawn = '█'.repeat(Math.round(share * 30)).padEnd(30, '░');
      const text =
        step === 'uploading' ? `${drawn} ${Math.round(share * 100)} % of ${(bytes / 1e6).toFixed(0)} MB` : 'checking and unpacking…';
      process.stderr.write(`\r\x1b[K${text}`);
    },
    clear: () => process.stderr.write('\r\x1b[K'),
  };
}
