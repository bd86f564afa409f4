/** Builds what is stale in dist/: `bundle.ts [--force] [TARGET…]`; without names, every target whose source exists. */
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import type { InlineConfig, Plugin, Rolldown } from 'vite';
import { compileNative } from './native.ts';
import { isFresh, newStamp, readStamp, writeWhole } from './stamp.ts';
import { TARGETS, type Target } from './targets.ts';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const dist = join(root, 'dist');
/** What changes every output when it changes. */
const COMMON_INPUTS = ['build/bundle.ts', 'build/targets.ts', 'package-lock.json'].map((file) => join(root, file));
/** Native or given by the runtime: never bundled. */
const EXTERNAL = ['node-pty', 'electron'];

type Built = { files: Set<string>; outputs: Map<string, string | Uint8Array>; mode?: number };

const startedAt = performance.now();
const names = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const built = await bundle(chosen(names), process.argv.includes('--force'));
if (built.length > 0) console.log(`built ${built.join(', ')} in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);

function chosen(wanted: string[]): Target[] {
  if (wanted.length === 0) return TARGETS.filter(({ entry }) => existsSync(join(root, entry)));
  return wanted.map((name) => {
    const target = TARGETS.find((candidate) => candidate.name === name);
    if (!target) fail(`there is no target "${name}"; there are ${TARGETS.map((each) => each.name).join(', ')}`);
    if (!existsSync(join(root, target.entry))) fail(`cannot build ${name}: ${target.entry} does not exist`);
    return target;
  });
}

async function bundle(targets: Target[], force: boolean): Promise<string[]> {
  const stale = targets.filter((target) => {
    const stamp = force ? null : readStamp(stampFile(target));
    return !stamp || !isFresh(stamp, root, dist);
  });
  const results = await Promise.allSettled(stale.map(make));
  const failures = results.flatMap((result, index) =>
    result.status === 'rejected' ? [{ target: stale[index]?.name, error: result.reason }] : [],
  );
  for (const { target, error } of failures) console.error(`${target}: ${sentence(error)}`);
  if (failures.length > 0) process.exit(1);
  return stale.filter((_, index) => results[index]?.status === 'fulfilled' && results[index].value).map(({ name }) => name);
}

/** The bundler colours its errors even for a file. */
function sentence(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return process.stderr.isTTY ? message : stripVTControlCharacters(message);
}

/** Whether there is something to show for it. */
async function make(target: Target): Promise<boolean> {
  const { files, outputs, mode } = await contentOf(target);
  for (const file of COMMON_INPUTS) files.add(file);
  for (const [name, content] of outputs) writeWhole(join(dist, name), content, mode);
  for (const old of readStamp(stampFile(target))?.outputs ?? []) if (!outputs.has(old)) rmSync(join(dist, old), { force: true });
  // What could not be made here is tried again each time.
  if (outputs.size === 0) rmSync(stampFile(target), { force: true });
  else writeWhole(stampFile(target), JSON.stringify(newStamp({ files, outputs: [...outputs.keys()], root })));
  return outputs.size > 0;
}

async function contentOf(target: Target): Promise<Built> {
  switch (target.kind) {
    case 'copy':
      return copy(target);
    case 'native':
      return native(target);
    default:
      return compile(target);
  }
}

async function compile(target: Target): Promise<Built> {
  const { build } = await import('vite');
  const files = new Set<string>();
  const config = await configOf(target);
  const result = await build({
    ...config,
    configFile: false,
    logLevel: 'warn',
    plugins: [
      ...(config.plugins ?? []),
      withoutNativeParts(),
      ...(target.kind === 'node' ? [builtinsAsCommonJs()] : []),
      collectInputs(files),
    ],
    build: { ...config.build, write: false, emptyOutDir: false },
  });
  const outputs = new Map<string, string | Uint8Array>();
  const prefix = target.kind === 'renderer' ? `${target.output}/` : '';
  for (const { output } of Array.isArray(result) ? result : [result as Rolldown.RolldownOutput]) {
    for (const item of output) outputs.set(prefix + item.fileName, item.type === 'chunk' ? item.code : item.source);
  }
  if (target.kind === 'renderer') for (const file of filesBelow(join(root, dirname(target.entry)))) files.add(file);
  return { files, outputs };
}

async function configOf(target: Target): Promise<InlineConfig> {
  if (target.kind === 'renderer') return (await import('./vite.renderer.ts')).rendererConfig();
  const isPreload = target.kind === 'preload';
  return {
    root,
    // ssh2 looks beside itself for a Windows helper, with a name that only CommonJS has.
    define: { 'process.env.NODE_ENV': '"production"', __dirname: 'import.meta.dirname' },
    ssr: { noExternal: true, external: EXTERNAL, target: 'node' },
    build: {
      ssr: join(root, target.entry),
      target: target.runtime,
      outDir: dist,
      copyPublicDir: false,
      minify: false,
      rolldownOptions: {
        external: EXTERNAL,
        output: {
          format: isPreload ? 'cjs' : 'es',
          entryFileNames: target.output,
          // One file a program: replaced in one step, nothing shared with the keeper, and a client that has been
          // attached for days still finds what it imports late. What is imported late is still run late.
          codeSplitting: false,
        },
      },
    },
  };
}

function copy(target: Target): Built {
  const from = join(root, target.entry);
  const files = new Set(statSync(from).isFile() ? [from] : filesBelow(from));
  const outputs = new Map([...files].map((file) => [join(target.output, relative(from, file)), readFileSync(file)]));
  return { files, outputs };
}

/** Nothing where it cannot be made here: there is another that does the same. */
function native(target: Target): Built {
  const files = new Set(filesBelow(join(root, target.entry)));
  const program = compileNative([...files].filter((file) => file.endsWith('.c')).sort());
  if (typeof program !== 'string') return { files, outputs: new Map([[target.output, program]]), mode: 0o777 };
  console.log(`${target.name} is left out: ${program}`);
  return { files, outputs: new Map() };
}

/** Optional native parts of packages (ssh2's ciphers) fit one runtime only, and a bundle runs under several: it falls back to Node's own. */
function withoutNativeParts(): Plugin {
  const id = '\0native-part.cjs';
  return {
    name: 'cmdop-without-native-parts',
    enforce: 'pre',
    resolveId: (source) => (source.endsWith('.node') ? id : null),
    load: (asked) => (asked === id ? "throw new Error('native parts are not bundled');" : null),
  };
}

/**
 * `import` of one of Node's own modules reads each of its exports, and so loads what those are made of: all of fetch by node:http,
 * a seventh of the time in which a host starts; the others are some 15 ms of a command. Taken as CommonJS takes it, what is not
 * used is not loaded.
 */
function builtinsAsCommonJs(): Plugin {
  const prefix = '\0builtin:';
  return {
    name: 'cmdop-builtins-as-commonjs',
    enforce: 'pre',
    resolveId(source, importer) {
      const name = source.replace(/^node:/, '');
      if (source === name && !builtinModules.includes(name)) return null;
      // The bundler's helpers need createRequire before those that make a CommonJS module are there.
      return importer?.startsWith('\0rolldown/') ? { id: source, external: true } : `${prefix}${name}.cjs`;
    },
    load(asked) {
      if (!asked.startsWith(prefix)) return null;
      return `module.exports = process.getBuiltinModule('node:${asked.slice(prefix.length, -'.cjs'.length)}');`;
    },
  };
}

/** Adds every source file that went into the build; packages are covered by the lock file. */
function collectInputs(files: Set<string>): Plugin {
  return {
    name: 'cmdop-inputs',
    buildEnd() {
      for (const id of this.getModuleIds()) {
        const file = id.split('?')[0] ?? id;
        if (file.startsWith(root) && !file.includes('/node_modules/')) files.add(file);
      }
    },
  };
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

function stampFile(target: Target): string {
  return join(dist, '.stamp', `${target.name}.json`);
}

function fail(why: string): never {
  console.error(`bundle: ${why}`);
  process.exit(2);
}
