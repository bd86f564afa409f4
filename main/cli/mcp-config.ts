/** What to write into the settings of an agent's client so that it starts `cmdop mcp`: each in its own format and place. Pure. */
import { UsageError } from './exit-codes.ts';

/** How the server is started. */
export type Launch = {
  readonly command: string;
  readonly args: readonly string[];
  /** What it needs of the environment, which clients do not hand on. */
  readonly env: Readonly<Record<string, string>>;
};
type Writer = { readonly file: string; readonly text: (launch: Launch) => string; readonly command?: (launch: Launch) => string };

const json = (value: unknown) => JSON.stringify(value, null, 2);
const quoted = (word: string) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);
const words = ({ command, args, env }: Launch) => {
  const set = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  return [...(set.length > 0 ? ['env', ...set] : []), command, ...args].map(quoted).join(' ');
};
const hasAny = (env: Launch['env']) => Object.keys(env).length > 0;
/** As most clients have it. */
const server = ({ command, args, env }: Launch) => ({ command, args, ...(hasAny(env) ? { env } : {}) });
const servers = (launch: Launch) => json({ mcpServers: { cmdop: server(launch) } });

const CLIENTS: Readonly<Record<string, Writer>> = {
  claude: {
    file: '.mcp.json in the project, or ~/.claude.json for all of them',
    text: (launch) => json({ mcpServers: { cmdop: { type: 'stdio', ...server(launch) } } }),
    command: (launch) => `claude mcp add --scope user cmdop -- ${words(launch)}`,
  },
  'claude-desktop': { file: 'claude_desktop_config.json (Settings, Developer, Edit Config)', text: servers },
  codex: {
    file: '~/.codex/config.toml',
    text: ({ command, args, env }) => {
      const table = Object.entries(env).map(([name, value]) => `${name} = ${JSON.stringify(value)}`);
      const lines = [`command = ${JSON.stringify(command)}`, `args = ${JSON.stringify(args)}`, 'tool_timeout_sec = 3600'];
      return ['[mcp_servers.cmdop]', ...lines, ...(hasAny(env) ? [`env = { ${table.join(', ')} }`] : [])].join('\n');
    },
    command: (launch) => `codex mcp add cmdop -- ${words(launch)}`,
  },
  cursor: { file: '~/.cursor/mcp.json, or .cursor/mcp.json in the project', text: servers },
  gemini: { file: '~/.gemini/settings.json', text: servers, command: (launch) => `gemini mcp add --scope user cmdop ${words(launch)}` },
  opencode: {
    file: '~/.config/opencode/opencode.json',
    text: ({ command, args, env }) =>
      json({ mcp: { cmdop: { type: 'local', command: [command, ...args], enabled: true, ...(hasAny(env) ? { environment: env } : {}) } } }),
  },
  vscode: {
    file: '.vscode/mcp.json in the project, or the command "MCP: Open User Configuration"',
    text: (launch) => json({ servers: { cmdop: { type: 'stdio', ...server(launch) } } }),
    command: (launch) => `code --add-mcp ${quoted(JSON.stringify({ name: 'cmdop', ...server(launch) }))}`,
  },
  windsurf: { file: '~/.codeium/windsurf/mcp_config.json', text: servers },
  zed: { file: '~/.config/zed/settings.json', text: (launch) => json({ context_servers: { cmdop: server(launch) } }) },
};

export const MCP_CLIENTS = Object.keys(CLIENTS);

/** `text` is the file's part; `note` where it goes, and the command that does the same where there is one. Throws UsageError. */
export function clientConfig(client: string, launch: Launch): { text: string; note: string } {
  const writer = CLIENTS[client];
  if (!writer)
    throw new UsageError(`"${client}" is no client that is known here: ${MCP_CLIENTS.join(', ')}; most others take what cursor takes`);
  const instead = writer.command ? `, or run: ${writer.command(launch)}` : '';
  return { text: writer.text(launch), note: `for ${writer.file}${instead}` };
}
