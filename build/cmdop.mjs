#!/usr/bin/env node
/** The package's `cmdop` command: runs the built command line. Plain JavaScript for Node 20. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = resolve(fileURLToPath(import.meta.url), '..', '..');
const command = resolve(root, 'dist', 'cmdop.mjs');
if (existsSync(command)) {
  await import(pathToFileURL(command).href);
} else {
  process.stderr.write(`cmdop is not built yet: run \`npm start\` or \`npm run build\` in ${root}\n`);
  process.exitCode = 69;
}
