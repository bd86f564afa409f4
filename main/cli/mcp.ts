/** `mcp`: the MCP server for agents, or the lines that make an agent's client start it. */
import { existsSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { programPath } from '#local/runtime.ts';
import type { serve } from '../mcp/main.ts';
import { connectTo, type Globals, hostOf } from './connect.ts';
import { UsageError } from './exit-codes.ts';
import { clientConfig, type Launch } from './mcp-config.ts';
import { note, print } from './output.ts';

type Options = Globals & { http?: boolean; port?: string; allowOwnSession?: boolean; printConfig?: string };

export async function mcp(options: Options): Promise<void> {
  if (options.printConfig !== undefined) {
    const { text, note: where } = clientConfig(options.printConfig, launch(options));
    print(`${text}\n`);
    note(where);
    return;
  }
  const server = (await import(pathToFileURL(programPath('mcp')).href)) as { serve: typeof serve };
  await server.serve({
    // Nobody is there to answer a question: what needs one fails with what to do.
    connect: () => connectTo(hostOf(options), { start: true, mayAsk: () => false, notice: note }),
    host: hostOf(options),
    httpPort: httpPort(options),
    ownSessionAllowed: options.allowOwnSession === true,
    name: options.as ?? null,
  });
}

function httpPort({ http, port }: Options): number | null {
  if (!http) {
    if (port !== undefined) throw new UsageError('--port is for --http: cmdop mcp --http --port NUMBER');
    return null;
  }
  const number = Number(port ?? 0);
  if (!Number.isInteger(number) || number < 0 || number > 65_535)
    throw new UsageError(`"${port}" is no port: write a number from 0 to 65535`);
  return number;
}

/** `cmdop` where it is on the path; else this very program, by its full path. */
function launch({ allowOwnSession, as, host }: Options): Launch {
  const args = [
    ...(as === undefined ? [] : ['--as', as]),
    ...(host === undefined ? [] : ['-H', host]),
    'mcp',
    ...(allowOwnSession ? ['--allow-own-session'] : []),
  ];
  // Clients start it with hardly any environment.
  const home = process.env.CMDOP_HOME;
  const env: Readonly<Record<string, string>> = home ? { CMDOP_HOME: home } : {};
  const isOnPath = (process.env.PATH ?? '').split(delimiter).some((folder) => folder !== '' && existsSync(join(folder, 'cmdop')));
  return isOnPath
    ? { command: 'cmdop', args, env }
    : { command: process.execPath, args: [resolve(process.argv[1] ?? 'cmdop'), ...args], env };
}
