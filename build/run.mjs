/** `node build/run.mjs SCRIPT ARGUMENTS…`: installs what is missing, then runs the script under the pinned Node. */
import { ensureInstalled, fail, pinnedNode, runToEnd } from './install.mjs';

const [script, ...args] = process.argv.slice(2);
if (!script) fail('usage: node build/run.mjs SCRIPT ARGUMENTS…');
ensureInstalled();
process.exitCode = await runToEnd(pinnedNode, [script, ...args]);
