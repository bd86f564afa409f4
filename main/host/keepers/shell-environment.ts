/** The environment a session starts with: as after a login, whatever happened to start the host. Pure. */

export type Environment = Readonly<Record<string, string | undefined>>;

/** What npm, Node, Electron, Chromium and an AppImage leave behind. */
const OF_OUR_RUNTIME =
  /^(npm_.*|NODE_.*|ELECTRON_.*|CHROME_.*|ORIGINAL_XDG_CURRENT_DESKTOP|INIT_CWD|APPDIR|APPIMAGE|ARGV0|OWD|VITEST.*|TINYPOOL_.*)$/;
/** Settings of the user whose names look like the above. */
const OF_THE_USER = new Set(['NODE_EXTRA_CA_CERTS', 'CHROME_BIN', 'CHROME_PATH', 'CHROME_EXECUTABLE']);
/** Describe a terminal that is not the session's, or the shell that ran in it. */
const OF_ANOTHER_TERMINAL = new RegExp(
  `^(${[
    'TERM|TERM_.*|COLORTERM|COLORFGBG|TERMCAP|LC_TERMINAL(_VERSION)?|LINES|COLUMNS|TMUX|TMUX_PANE|STY|WINDOW|WINDOWID|VTE_VERSION',
    'KITTY_.*|WEZTERM_.*|ITERM_.*|GHOSTTY_.*|ALACRITTY_.*|KONSOLE_.*|VSCODE_.*|GNOME_TERMINAL_.*|ZELLIJ.*|WT_SESSION|WT_PROFILE_ID',
    'TERMINATOR_UUID|TILIX_ID|TERMINAL_EMULATOR|INSIDE_EMACS|VIM|VIMRUNTIME|NVIM.*|MYVIMRC',
    'SHLVL|OLDPWD|PWD|_|SHELL|PS[0-4]|PROMPT|RPROMPT|PROMPT_COMMAND|CMDOP_SESSION',
  ].join('|')})$`,
);
/** True for the connection that happened to start the host, wrong for any later one. */
const OF_A_CONNECTION = new Set(['SSH_TTY', 'SSH_CONNECTION', 'SSH_CLIENT']);
/** Only the host says where the host is. */
const OF_THE_HOST = new Set(['CMDOP_HOME']);
/** Set by Electron for itself where it runs; indistinguishable from the user's own, which the profile sets again. */
const SET_BY_ELECTRON = new Set(['GDK_BACKEND', 'NO_AT_BRIDGE']);

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export type EnvironmentOptions = {
  /** Of the host's process. */
  readonly host: Environment;
  /** What the creating client adds, for example DISPLAY or SSH_AUTH_SOCK. */
  readonly client: Environment;
  readonly session: string;
  readonly cwd: string;
  readonly shell: string;
  readonly user: { readonly name: string; readonly home: string };
  /** Of cmdop. */
  readonly version: string;
  readonly platform: NodeJS.Platform;
};

export function sessionEnvironment(options: EnvironmentOptions): Record<string, string> {
  const { host, client, platform } = options;
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(host)) {
    if (value !== undefined && isWelcome(name) && !OF_A_CONNECTION.has(name)) environment[name] = value;
  }
  if (host.ORIGINAL_XDG_CURRENT_DESKTOP) environment.XDG_CURRENT_DESKTOP = host.ORIGINAL_XDG_CURRENT_DESKTOP;
  if (host.ORIGINAL_XDG_CURRENT_DESKTOP || host.CHROME_DESKTOP || host.ELECTRON_RUN_AS_NODE) {
    for (const name of SET_BY_ELECTRON) delete environment[name];
  }
  // kitty and Ghostty point it into their own folders.
  if (host.KITTY_WINDOW_ID || host.GHOSTTY_RESOURCES_DIR) delete environment.TERMINFO;
  for (const [name, value] of Object.entries(client)) {
    if (value !== undefined && isWelcome(name) && !OF_THE_HOST.has(name)) environment[name] = value;
  }

  if (platform !== 'win32') {
    environment.PATH = cleanPath(environment.PATH, host.APPDIR) || DEFAULT_PATH;
    for (const name of ['LD_LIBRARY_PATH', 'XDG_DATA_DIRS']) {
      const cleaned = cleanPath(environment[name], host.APPDIR);
      if (cleaned) environment[name] = cleaned;
      else delete environment[name];
    }
    environment.HOME ||= options.user.home; // an empty one is none
    environment.USER ??= options.user.name;
    environment.LOGNAME ??= options.user.name;
    environment.SHELL = options.shell;
    // Started from a desktop icon or a service there may be no locale at all, and programs fall back to ASCII.
    if (!environment.LANG && !environment.LC_ALL && !environment.LC_CTYPE) {
      environment.LC_CTYPE = platform === 'darwin' ? 'UTF-8' : 'C.UTF-8';
    }
  }
  environment.PWD = options.cwd;
  environment.TERM = 'xterm-256color';
  environment.COLORTERM = 'truecolor';
  environment.TERM_PROGRAM = 'cmdop';
  environment.TERM_PROGRAM_VERSION = options.version;
  environment.CMDOP_SESSION = options.session;
  return environment;
}

function isWelcome(name: string): boolean {
  return OF_THE_USER.has(name) || !(OF_OUR_RUNTIME.test(name) || OF_ANOTHER_TERMINAL.test(name));
}

/** Drops what `npm run` and an AppImage put in front. */
function cleanPath(path: string | undefined, appDir: string | undefined): string {
  const kept = (path ?? '').split(':').filter((entry) => {
    if (entry === '' || entry.endsWith('/node_modules/.bin') || entry.endsWith('/node-gyp-bin')) return false;
    return !appDir || (entry !== appDir && !entry.startsWith(`${appDir}/`));
  });
  return kept.join(':');
}
