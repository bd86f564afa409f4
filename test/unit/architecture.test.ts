/** Imports go one way: who may import whom, for every source file, and proof that a file that breaks a rule is found. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const root = resolve(fileURLToPath(import.meta.url), '..', '..', '..');

/** Whom a folder may import besides itself. A path ending in `.ts` means that file only. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  'main/protocol': [],
  'main/session': ['main/protocol'],
  'main/client': ['main/protocol', 'main/session'],
  'main/local': ['main/protocol', 'main/session', 'main/client', 'package.json'],
  // Nothing may need a keeper to restart, so it shares only what is frozen with it.
  'main/keeper': [
    ...['main/session', 'main/protocol/body-cutter.ts', 'main/protocol/ids.ts', 'main/protocol/integers.ts'],
    ...['main/local/early-tiers.ts', 'main/local/end-now.ts'],
  ],
  'main/host': [
    'main/protocol',
    'main/session',
    'main/local',
    'main/keeper/wire.ts',
    'main/keeper/wire-messages.ts',
    'main/keeper/spec.ts',
    'main/guests/wire.ts',
  ],
  // The MCP server is a program of its own, run by the command line: of it only the type is imported.
  // What is exported as a page is drawn by the host's own terminal.
  'main/cli': [
    ...['main/protocol', 'main/session', 'main/client', 'main/local', 'main/remote'],
    ...['main/attach', 'main/host/screen/screen-terminal.ts', 'main/mcp/main.ts', 'package.json'],
  ],
  // It keeps the host's own terminal beside the person's, to draw it where their sizes differ.
  // A process of its own, so that what strangers send never reaches a host's loop; the host knows what they say to each other.
  'main/guests': ['main/protocol', 'main/session', 'main/client', 'main/local', 'main/attach'],
  'main/attach': ['main/protocol', 'main/session', 'main/client', 'main/host/screen/screen-terminal.ts'],
  'main/mcp': ['main/protocol', 'main/session', 'main/client', 'main/local', 'main/sdk'],
  'main/sdk': ['main/protocol', 'main/session', 'main/client', 'main/local', 'main/remote'],
  'main/remote': ['main/protocol', 'main/session', 'main/client', 'main/local'],
  'main/app': ['main/protocol', 'main/session', 'main/client', 'main/local', 'main/remote', 'preload/api.ts', 'preload/channels.ts'],
  preload: [],
  renderer: ['main/protocol', 'main/session', 'main/client', 'preload/api.ts'],
};

/** No clock, no I/O: these get what they need as arguments. */
const PURE = ['main/protocol', 'main/session', 'main/client'];
/** Whom plain Node and browsers run: `electron` exists only in the app. */
const MAY_USE_ELECTRON = ['main/app', 'preload'];
/** Packages that a folder may use; where a folder is not listed, any. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  'main/protocol': ['zod'],
  'main/session': [],
  'main/client': [],
  'main/keeper': ['node-pty'],
};

type Source = { readonly path: string; readonly text: string };

describe('imports', () => {
  test('go only where the design draws an arrow', () => {
    expect(sources().flatMap(violationsOf)).toEqual([]);
  });

  test('no file imports itself by way of others', () => {
    const all = sources();
    expect(circlesIn(new Map(all.map(({ path, text }) => [path, importedBy(path, text)])))).toEqual([]);
    const looped = new Map([
      ['a.ts', ['b.ts']],
      ['b.ts', ['c.ts', 'd.ts']],
      ['c.ts', ['a.ts']],
      ['d.ts', []],
    ]);
    expect(circlesIn(looped)).toEqual(['a.ts → b.ts → c.ts → a.ts']);
  });

  test('every folder of the source has its rules', () => {
    expect(new Set(sources().map(({ path }) => folderOf(path))).has(undefined)).toBe(false);
  });

  test.each([
    ['main/session/gate.ts', "import { connect } from '#client/connection.ts';", 'main/session must not import main/client/connection.ts'],
    ['main/protocol/x.ts', "import { readFileSync } from 'node:fs';", 'main/protocol is pure and must not import node:fs'],
    ['main/client/x.ts', "const fs = await import('fs');", 'main/client is pure and must not import fs'],
    ['main/host/x.ts', "import { app } from 'electron';", 'main/host must not import electron'],
    ['main/cli/x.ts', "import { app } from 'electron/main';", 'main/cli must not import electron/main'],
    ['main/keeper/x.ts', "import { z } from 'zod';", 'main/keeper must not import the package zod'],
    ['main/keeper/x.ts', "import { METHODS } from '#protocol/messages.ts';", 'main/keeper must not import main/protocol/messages.ts'],
    ['main/host/x.ts', "import { runKeeper } from '../keeper/keeper.ts';", 'main/host must not import main/keeper/keeper.ts'],
    ['main/host/deep/x.ts', "export * from '../../cli/main.ts';", 'main/host must not import main/cli/main.ts'],
    [
      'renderer/state/x.ts',
      "import type {\n  A,\n  B,\n} from '../../main/host/journal/journal.ts';",
      'renderer must not import main/host/journal/journal.ts',
    ],
    ['renderer/x.tsx', "import '../main/app/main.ts';", 'renderer must not import main/app/main.ts'],
    ['main/local/x.ts', "import { Host } from '#host/host.ts';", 'main/local must not import #host/host.ts'],
  ])('%s with %j is found', (path, text, complaint) => {
    expect(violationsOf({ path, text })).toEqual([`${path}: ${complaint}`]);
  });

  test('an import in a comment or a string is none', () => {
    expect(
      violationsOf({ path: 'main/session/x.ts', text: "// import { x } from 'node:fs';\nconst text = `import from 'node:fs'`;" }),
    ).toEqual([]);
  });
});

function violationsOf({ path, text }: Source): string[] {
  const folder = folderOf(path);
  if (!folder) return [`${path}: its folder has no rules in ${relative(root, fileURLToPath(import.meta.url))}`];
  return specifiersIn(text).flatMap((specifier) => {
    const complaint = complaintAbout(specifier, folder, path);
    return complaint ? [`${path}: ${folder} ${complaint}`] : [];
  });
}

/** Files that a file needs before it: what it loads later, by `import()`, may need it. */
function importedBy(path: string, text: string): string[] {
  return staticSpecifiersIn(text).flatMap((specifier) => targetOf(specifier, path) ?? []);
}

/** One for each file that closes a circle, as the way around it. */
function circlesIn(imports: ReadonlyMap<string, readonly string[]>): string[] {
  const circles: string[] = [];
  const done = new Set<string>();
  const visit = (path: string, way: readonly string[]): void => {
    const at = way.indexOf(path);
    if (at >= 0) circles.push([...way.slice(at), path].join(' → '));
    if (at >= 0 || done.has(path)) return;
    for (const next of imports.get(path) ?? []) visit(next, [...way, path]);
    done.add(path);
  };
  for (const path of imports.keys()) visit(path, []);
  return circles;
}

function complaintAbout(specifier: string, folder: string, path: string): string | null {
  if (/^electron(\/|$)/.test(specifier)) return MAY_USE_ELECTRON.includes(folder) ? null : `must not import ${specifier}`;
  const target = targetOf(specifier, path);
  if (target) {
    const isAllowed = folderOf(target) === folder || (ARROWS[folder] ?? []).some((to) => target === to || target.startsWith(`${to}/`));
    return isAllowed ? null : `must not import ${target}`;
  }
  if (specifier.startsWith('#')) return `must not import ${specifier}`;
  if (specifier.startsWith('node:') || NODE_MODULES.has(specifier)) {
    return PURE.includes(folder) ? `is pure and must not import ${specifier}` : null;
  }
  const packages = PACKAGES[folder];
  return !packages || packages.includes(specifier) ? null : `must not import the package ${specifier}`;
}

/** The project's file that a specifier names, or null if it names a package. */
function targetOf(specifier: string, path: string): string | null {
  const alias = /^#(protocol|session|client|local)\/(.+)$/.exec(specifier);
  if (alias) return `main/${alias[1]}/${alias[2]}`;
  return specifier.startsWith('.') ? posix.normalize(posix.join(posix.dirname(path), specifier)) : null;
}

/** Modules of Node without its prefix, in the versions of both runtimes. */
const NODE_MODULES: ReadonlySet<string> = new Set(process.getBuiltinModule('node:module').builtinModules);

function folderOf(path: string): string | undefined {
  return Object.keys(ARROWS).find((folder) => path.startsWith(`${folder}/`));
}

/** What a file imports, statically, dynamically, for its types or by passing it on. */
function specifiersIn(text: string): string[] {
  const call = /^(?!\s*(?:\/\/|\*)).*?\bimport\(\s*['"]([^'"\n]+)['"]/gm;
  return [...staticSpecifiersIn(text), ...namedIn(text, call)];
}

function staticSpecifiersIn(text: string): string[] {
  // Statements start a line in formatted source, so comments and strings are told apart by that alone.
  return namedIn(text, /^(?:import|export)\s(?:[^'"`;]*?\sfrom\s)?\s*['"]([^'"\n]+)['"]/gm);
}

const namedIn = (text: string, statement: RegExp): string[] =>
  [...text.matchAll(statement)].flatMap(([, specifier]) => (specifier ? [specifier] : []));

function sources(): Source[] {
  return ['main', 'preload', 'renderer'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
      .map((entry) => join(entry.parentPath, entry.name))
      .map((file) => ({ path: relative(root, file).split(sep).join('/'), text: readFileSync(file, 'utf8') })),
  );
}
