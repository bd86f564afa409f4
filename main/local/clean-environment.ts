/**
 * The environment a host starts with: the user's own, without what the program that starts it carries along.
 * A deny-list, because users rely on variables nobody can enumerate; every entry names a program that sets it for its children.
 */

/** Variables of one program's making, by prefix. */
const FOREIGN_PREFIXES = [
  'npm_', // npm and npx, for scripts
  'ELECTRON_', // Electron and its launchers
  'CHROME_', // Chromium: sandbox helper, desktop file
  'NODE_', // the Node that runs us, such as NODE_OPTIONS and NODE_ENV
  'VSCODE_', // an editor's integrated terminal
  'VITEST', // the test runner
  'KITTY_', // terminals, about their own windows
  'WEZTERM_',
  'ALACRITTY_',
  'ITERM_',
  'KONSOLE_',
  'GHOSTTY_',
  'BASH_FUNC_', // functions exported to one child
];

const FOREIGN_NAMES = new Set([
  'INIT_CWD', // npm
  // systemd, to one service: what is started by the way is not that service, and must not speak for it.
  'NOTIFY_SOCKET',
  'WATCHDOG_PID',
  'WATCHDOG_USEC',
  'LISTEN_FDS',
  'LISTEN_FDNAMES',
  'LISTEN_PID',
  'INVOCATION_ID',
  'JOURNAL_STREAM',
  'GDK_BACKEND', // Electron sets it for itself
  'ORIGINAL_XDG_CURRENT_DESKTOP', // Chromium
  'GOOGLE_API_KEY', // Chromium's own services
  'APPDIR', // AppImage's launcher
  'APPIMAGE',
  'ARGV0',
  'OWD',
  // The terminal that we happen to be started from; a session has its own.
  'TERM',
  'COLORTERM',
  'TERM_PROGRAM',
  'TERM_PROGRAM_VERSION',
  'TERM_SESSION_ID',
  'VTE_VERSION',
  'WINDOWID',
  'WT_SESSION',
  'WT_PROFILE_ID',
  'TMUX',
  'TMUX_PANE',
  'STY',
  'LINES',
  'COLUMNS',
  'FORCE_COLOR',
  // The shell that we happen to be started from.
  '_',
  'SHLVL',
  'PWD',
  'OLDPWD',
  'BASH_ENV',
  'ENV',
  // Of the session we may be started from, and of one command.
  'CMDOP_SESSION',
  'CMDOP_ACTOR',
  'CMDOP_DETACH_KEY',
  'CMDOP_TAKE_KEY',
  'CMDOP_PREDICT',
]);

/** Settings of the user whose names look like a program's. */
const OF_THE_USER = new Set(['NODE_EXTRA_CA_CERTS', 'CHROME_BIN', 'CHROME_PATH', 'CHROME_EXECUTABLE']);

/** Folders that npm puts in front of PATH while a script runs. */
const FOREIGN_PATH_ENTRY = /[\\/](node_modules[\\/]\.bin|node-gyp-bin)[\\/]?$/;

export function cleanEnvironment(env: NodeJS.ProcessEnv, platform: NodeJS.Platform = process.platform): Record<string, string> {
  const clean: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || FOREIGN_NAMES.has(name)) continue;
    if (!OF_THE_USER.has(name) && FOREIGN_PREFIXES.some((prefix) => name.startsWith(prefix))) continue;
    clean[name] = name.toUpperCase() === 'PATH' ? cleanPath(value, platform === 'win32' ? ';' : ':') : value;
  }
  // Chromium shows its children a desktop that it likes better, and keeps the user's beside it.
  if (env.ORIGINAL_XDG_CURRENT_DESKTOP) clean.XDG_CURRENT_DESKTOP = env.ORIGINAL_XDG_CURRENT_DESKTOP;
  // kitty and Ghostty point it into their own folders.
  if (env.KITTY_WINDOW_ID || env.GHOSTTY_RESOURCES_DIR) delete clean.TERMINFO;
  return clean;
}

const cleanPath = (path: string, separator: string) =>
  path
    .split(separator)
    .filter((entry) => !FOREIGN_PATH_ENTRY.test(entry))
    .join(separator);
