/** Checkpoints of a big working tree: the first, the next where nothing or little changed, what differs, and bringing files back. */
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { JobRunner } from '../../main/host/checkpoints/job-runner.ts';
import { folderBytes } from '../../main/host/retention/disk-use.ts';
import type { Figures } from './figures.ts';

export type TreePlan = { files: number; bytes: number };

/** Changed before the second checkpoint. */
const CHANGED = 100;
const WORDS = [
  'function',
  'return',
  'const',
  'import',
  'value',
  'session',
  'length',
  '=>',
  '{\n',
  '}\n',
  '();\n',
  ' = ',
  'await ',
  'number',
];

export async function measureCheckpoint(plan: TreePlan, figures: Figures, note: (text: string) => void): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'cmdop-b-c-'));
  const folder = join(root, 'tree');
  const shadow = { gitDir: join(root, 'shadow'), folder };
  const runner = new JobRunner();
  const add = (figure: string, value: number) => figures.add(`checkpoint: ${figure}`, 'cmdop', value);
  const timed = async <T>(figure: string, work: () => Promise<T>): Promise<T> => {
    const from = performance.now();
    const done = await work();
    add(`${figure}, s`, (performance.now() - from) / 1_000);
    return done;
  };
  try {
    note(`a tree of ${plan.files} files`);
    const names = writeTree(folder, plan);
    let id = 0;
    const create = (previous: string | null) => runner.run<'create'>({ do: 'create', shadow, id: ++id, previous, onlyIfChanged: false });
    const first = await timed('first', () => create(null));
    add('its size on the disk, MB', (await folderBytes(shadow.gitDir)) / 1e6);
    await timed('nothing changed', () => create(first.tree));
    for (const name of names.slice(0, CHANGED)) appendFileSync(join(folder, name), 'changed\n');
    const second = await timed(`${CHANGED} files changed`, () => create(first.tree));
    if (second.changed.modified !== CHANGED) throw new Error(`${second.changed.modified} files changed, not ${CHANGED}`);
    const trees: [string, string] = [second.tree, first.tree];
    await timed('their difference', () => runner.run<'diff'>({ do: 'diff', shadow, trees, paths: [], stat: false, from: 0 }));
    await timed(`${CHANGED} files brought back`, () =>
      runner.run<'restore'>({ do: 'restore', shadow, trees, paths: [], delete: false, dryRun: false }),
    );
  } finally {
    runner.dispose();
    rmSync(root, { recursive: true, force: true });
  }
}

/** Sources of many lengths, no two alike. */
function writeTree(folder: string, { files, bytes }: TreePlan): string[] {
  let seed = 1;
  const random = () => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed / 2_147_483_647;
  };
  const text = Array.from({ length: 400_000 }, () => WORDS[Math.floor(random() * WORDS.length)]).join('');
  const names: string[] = [];
  for (let at = 0; at < files; at++) {
    const inner = `d${at % 25}/e${at % 500}`;
    if (at < 500) mkdirSync(join(folder, inner), { recursive: true });
    const length = Math.floor((bytes / files) * 2 * random());
    const from = Math.floor(random() * (text.length - length));
    const name = `${inner}/f${at}.ts`;
    writeFileSync(join(folder, name), `// ${at}\n${text.slice(from, from + length)}`);
    names.push(name);
  }
  return names;
}
