/** The files by which systemd and launchd start a user's host. Pure. */

export type ServiceCommand = {
  /** Node, its flags and the host's program: absolute paths. */
  readonly command: readonly string[];
  /** What says where the host keeps its state, where that is not where it usually is. */
  readonly env: Readonly<Record<string, string>>;
};

/** launchd's name for it. */
export const LABEL = 'dev.cmdop.host';

/** systemd takes no odd characters in the path of a program, but in its arguments. */
const START = ['/bin/sh', '-c', 'exec "$0" "$@"'];

/** Line by which a file is known to be ours. */
export const MADE_BY = 'made by `cmdop host enable`';

/**
 * `KillMode=process`: when the service stops or restarts, the keepers live on, and every session with them.
 * A host that finds another one at work ends with 0: it is not started again. One that is upgraded says which process follows
 * (`NotifyAccess`: its helper is not the main process), and that is the service from then on. `OOMPolicy`: a program of a session
 * that took too much memory is not the end of the host.
 */
export function systemdUnit({ command, env }: ServiceCommand): string {
  const variables = Object.entries(env).map(([name, value]) => `Environment=${systemdWord(`${name}=${value}`)}\n`);
  return `# ${MADE_BY}; \`cmdop host disable\` removes it
[Unit]
Description=cmdop host: terminal sessions that outlive every window

[Service]
Type=exec
ExecStart=${[...START, ...command].map((word) => systemdWord(word).replaceAll('$', '$$$$')).join(' ')}
${variables.join('')}KillMode=process
NotifyAccess=all
OOMPolicy=continue
Restart=on-failure
RestartSec=1

[Install]
WantedBy=default.target
`;
}

/** `AbandonProcessGroup`: the keepers live on when the host ends. */
export function launchdAgent({ command, env }: ServiceCommand): string {
  const variables = Object.entries(env).map(([name, value]) => `    <key>${xml(name)}</key><string>${xml(value)}</string>\n`);
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<!-- ${MADE_BY}; \`cmdop host disable\` removes it -->
<plist version="1.0">
<dict>
  <key>Label</key><string>${LABEL}</string>
  <key>ProgramArguments</key>
  <array>
${command.map((word) => `    <string>${xml(word)}</string>\n`).join('')}  </array>
  <key>EnvironmentVariables</key>
  <dict>
${variables.join('')}  </dict>
  <key>RunAtLoad</key><true/>
  <key>KeepAlive</key><dict><key>SuccessfulExit</key><false/></dict>
  <key>AbandonProcessGroup</key><true/>
  <key>ProcessType</key><string>Interactive</string>
</dict>
</plist>
`;
}

/** In quotes, with systemd's own escapes (systemd.syntax, systemd.unit: specifiers). */
function systemdWord(word: string): string {
  return `"${word.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n').replaceAll('%', '%%')}"`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };
const xml = (text: string) => text.replaceAll(/[&<>]/g, (character) => ENTITIES[character] ?? character);
