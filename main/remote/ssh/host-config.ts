/** What ssh_config says about one destination, read and checked: how it is reached, who logs in, and what vouches for it. */
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { account } from '#local/account.ts';
import { CmdopError } from '#protocol/errors.ts';
import { type AlgorithmWishes, userKeyAlgorithms } from './algorithms.ts';
import { type Directive, readConfigFile, type Section } from './config-file.ts';
import { hostNameOf, type Settings, settingsFor } from './config-match.ts';
import type { Spec } from './destination.ts';
import type { KeyRules } from './key-rules.ts';
import { unsupportedIn } from './options.ts';
import { expandHome, expandTokens, expandVariables, type Tokens, tokensOf } from './tokens.ts';

/** ssh2 sends none by itself, and a link that is cut without a word must be found: OpenSSH's usual advice. */
const KEEPALIVE_SECONDS = 15;
const KEEPALIVE_COUNT = 3;
/** OpenSSH waits for the system's own timeout, about two minutes: too long for someone who watches. */
const CONNECT_SECONDS = 20;
/** As OpenSSH: it can only be raised. */
const MIN_RSA_BITS = 1_024;
const DEFAULT_IDENTITIES = ['id_rsa', 'id_ecdsa', 'id_ed25519'];
const METHODS = ['publickey', 'keyboard-interactive', 'password'] as const;

export type Method = (typeof METHODS)[number];

export type HostConfig = {
  /** As typed: the alias. */
  readonly typed: string;
  readonly hostName: string;
  readonly port: number;
  readonly user: string;
  /** Under which the host's key is kept instead of name and port. */
  readonly keyAlias: string | null;
  /** Hops in front, in order; each is read from the configuration by itself. */
  readonly proxyJump: readonly string[];
  readonly proxyCommand: string | null;
  readonly addressFamily: 0 | 4 | 6;
  readonly bindAddress: string | null;
  readonly connectMs: number;
  /** 0 is off. */
  readonly keepaliveMs: number;
  readonly keepaliveCount: number;
  readonly identityFiles: readonly string[];
  /** Were they named, or are they the usual ones, which need not exist? */
  readonly areIdentitiesNamed: boolean;
  readonly identitiesOnly: boolean;
  /** Socket of the agent, or null for none. */
  readonly agent: string | null;
  /** In the order in which they are tried. */
  readonly methods: readonly Method[];
  readonly prompts: number;
  /** Nobody is there to be asked. */
  readonly isBatch: boolean;
  readonly hostKeys: HostKeyRules;
  readonly keyRules: KeyRules;
  readonly algorithms: AlgorithmWishes;
};

export type HostKeyRules = {
  /** Of a key that nobody vouches for: only `yes` refuses it; to every other it is asked about. */
  readonly strict: 'yes' | 'ask' | 'accept-new' | 'no';
  readonly userFiles: readonly string[];
  readonly globalFiles: readonly string[];
  readonly isHashing: boolean;
  readonly revokedFile: string | null;
};

export type ConfigSources = {
  /** Instead of the user's and the system's, as `ssh -F`. */
  readonly configFile?: string | undefined;
  /** For tests. */
  readonly systemFile?: string | undefined;
};

/** Throws `bad-configuration` with the place of what is wrong. `notice` hears what is not followed though it matters. */
export async function hostConfig(spec: Spec, sources: ConfigSources, notice: (text: string) => void): Promise<HostConfig> {
  const settings = await settingsFor(sectionsFrom(sources), spec, notice);
  for (const text of unsupportedIn(settings)) notice(text);
  return configFrom(settings, spec);
}

/** The user's own comes first, and the first value wins. */
export function sectionsFrom({ configFile, systemFile }: ConfigSources): Section[] {
  const ssh = join(homedir(), '.ssh');
  if (configFile) return readConfigFile(configFile, { includesFrom: ssh });
  const programData = process.env.ProgramData ?? 'C:\\ProgramData';
  const system = systemFile ?? (process.platform === 'win32' ? join(programData, 'ssh', 'ssh_config') : '/etc/ssh/ssh_config');
  return [
    ...readConfigFile(join(ssh, 'config'), { includesFrom: ssh, mustBePrivate: true }),
    ...readConfigFile(system, { includesFrom: dirname(system) }),
  ];
}

function configFrom(settings: Settings, spec: Spec): HostConfig {
  const option = new Options(settings);
  const refused = settings.get('refuseconnection')?.[0];
  if (refused)
    throw new CmdopError('bad-configuration', `${refused.where} says not to connect to ${spec.host}: ${refused.words.join(' ')}`);
  const hostName = hostNameOf(settings, spec.host);
  const port = spec.port ?? option.number('port', 22, { from: 1, to: 65_535 });
  const user = spec.user ?? option.text('user') ?? account().name;
  const keyAlias = option.text('hostkeyalias');
  const proxy = proxyOf(settings);
  const tokens = tokensOf({ typed: spec.host, hostName, port, user, keyAlias, jump: proxy.jump.join(',') });
  const ssh = join(homedir(), '.ssh');
  const identities = settings.get('identityfile') ?? [];
  const named = identities.filter(({ words }) => !isNone(words[0])).map((each) => pathFrom(each, 0, tokens));
  return {
    typed: spec.host,
    hostName,
    port,
    user,
    keyAlias,
    proxyJump: proxy.jump.map((hop) => expandTokens(hop, tokens, proxy.where)),
    proxyCommand: proxy.command === null ? null : expandTokens(proxy.command, tokens, proxy.where),
    addressFamily: ({ any: 0, inet: 4, inet6: 6 } as const)[option.choice('addressfamily', ['any', 'inet', 'inet6'], 'any')],
    bindAddress: option.text('bindaddress'),
    connectMs: option.number('connecttimeout', CONNECT_SECONDS, { from: 1, to: 86_400 }) * 1_000,
    keepaliveMs: option.number('serveraliveinterval', KEEPALIVE_SECONDS, { from: 0, to: 86_400 }) * 1_000,
    keepaliveCount: option.number('serveralivecountmax', KEEPALIVE_COUNT, { from: 0, to: 1_000 }),
    identityFiles: identities.length > 0 ? named : DEFAULT_IDENTITIES.map((name) => join(ssh, name)),
    areIdentitiesNamed: identities.length > 0,
    identitiesOnly: option.flag('identitiesonly', false),
    agent: agentOf(settings.get('identityagent')?.[0], tokens),
    methods: methodsOf(option),
    prompts: option.number('numberofpasswordprompts', 3, { from: 1, to: 100 }),
    isBatch: option.flag('batchmode', false),
    hostKeys: {
      strict: strictOf(option),
      userFiles: pathsOf(settings.get('userknownhostsfile')?.[0], tokens) ?? [join(ssh, 'known_hosts'), join(ssh, 'known_hosts2')],
      globalFiles: pathsOf(settings.get('globalknownhostsfile')?.[0], tokens) ?? ['/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2'],
      isHashing: option.flag('hashknownhosts', false),
      revokedFile: pathsOf(settings.get('revokedhostkeys')?.[0], tokens)?.[0] ?? null,
    },
    keyRules: {
      rsaBits: Math.max(MIN_RSA_BITS, option.number('requiredrsasize', MIN_RSA_BITS, { from: 0, to: 65_536 })),
      algorithms: userKeyAlgorithms(option.list('pubkeyacceptedalgorithms') ?? option.list('pubkeyacceptedkeytypes')),
    },
    algorithms: {
      kex: option.list('kexalgorithms'),
      hostKeys: option.list('hostkeyalgorithms'),
      ciphers: option.list('ciphers'),
      macs: option.list('macs'),
      isCompressed: option.flag('compression', false),
    },
  };
}

/** Of the two ways around, the one that comes first holds. */
function proxyOf(settings: Settings): { jump: string[]; command: string | null; where: string } {
  const names = [...settings.keys()];
  const jump = settings.get('proxyjump')?.[0];
  const command = settings.get('proxycommand')?.[0];
  const isJump = jump && (!command || names.indexOf('proxyjump') < names.indexOf('proxycommand'));
  if (isJump) return { jump: isNone(jump.words[0]) ? [] : (jump.words[0] ?? '').split(','), command: null, where: jump.where };
  return { jump: [], command: command && !isNone(command.text) ? command.text : null, where: command?.where ?? '' };
}

function agentOf(directive: Directive | undefined, tokens: Tokens): string | null {
  const value = directive?.words[0];
  const usual = process.env.SSH_AUTH_SOCK || (process.platform === 'win32' ? '\\\\.\\pipe\\openssh-ssh-agent' : null);
  if (!directive || value === undefined || value === 'SSH_AUTH_SOCK') return usual;
  if (isNone(value)) return null;
  const variable = /^\$([A-Za-z_]\w*)$/.exec(value)?.[1];
  return variable ? process.env[variable] || null : pathFrom(directive, 0, tokens);
}

function methodsOf(option: Options): Method[] {
  const allowed = {
    publickey: option.flag('pubkeyauthentication', true, ['unbound', 'host-bound']),
    'keyboard-interactive': option.flag('kbdinteractiveauthentication', option.flag('challengeresponseauthentication', true)),
    password: option.flag('passwordauthentication', true),
  };
  const preferred = (option.text('preferredauthentications') ?? METHODS.join(',')).split(',');
  const isBatch = option.flag('batchmode', false);
  return preferred.flatMap((name) =>
    METHODS.filter((method) => method === name && allowed[method] && (!isBatch || method === 'publickey')),
  );
}

function strictOf(option: Options): HostKeyRules['strict'] {
  const value = option.choice('stricthostkeychecking', ['ask', 'yes', 'true', 'accept-new', 'no', 'off', 'false'], 'ask');
  if (value === 'yes' || value === 'true') return 'yes';
  return value === 'ask' || value === 'accept-new' ? value : 'no';
}

function pathsOf(directive: Directive | undefined, tokens: Tokens): string[] | null {
  if (!directive) return null;
  return directive.words.flatMap((word, index) => (isNone(word) ? [] : [pathFrom(directive, index, tokens)]));
}

function pathFrom({ words, where }: Directive, index: number, tokens: Tokens): string {
  const path = expandVariables(words[index] ?? '', process.env, where);
  return expandHome(expandTokens(path, tokens, where), where);
}

function isNone(value: string | undefined): boolean {
  return value?.toLowerCase() === 'none';
}

/** Single values, each checked. */
class Options {
  readonly #settings: Settings;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  text(name: string): string | null {
    return this.#settings.get(name)?.[0]?.words[0] ?? null;
  }

  list(name: string): { text: string; where: string } | null {
    const directive = this.#settings.get(name)?.[0];
    return directive ? { text: directive.words[0] ?? '', where: directive.where } : null;
  }

  number(name: string, usual: number, { from, to }: { from: number; to: number }): number {
    const text = this.text(name);
    if (text === null || (isNone(text) && name === 'connecttimeout')) return usual;
    const value = /^\d+$/.test(text) ? Number(text) : secondsIn(text);
    if (value === null || value < from || value > to) throw this.#wrong(name, text, `a number from ${from} to ${to}`);
    return value;
  }

  flag(name: string, usual: boolean, alsoTrue: readonly string[] = []): boolean {
    const text = this.text(name)?.toLowerCase();
    if (text === undefined) return usual;
    if (text === 'yes' || text === 'true' || alsoTrue.includes(text)) return true;
    if (text === 'no' || text === 'false') return false;
    throw this.#wrong(name, text, 'yes or no');
  }

  choice<Value extends string>(name: string, values: readonly Value[], usual: Value): Value {
    const text = this.text(name)?.toLowerCase();
    if (text === undefined) return usual;
    const found = values.find((value) => value === text);
    if (found === undefined) throw this.#wrong(name, text, `one of ${values.join(', ')}`);
    return found;
  }

  #wrong(name: string, text: string, wanted: string): CmdopError {
    return new CmdopError('bad-configuration', `${this.#settings.get(name)?.[0]?.where}: ${name} is ${text}: write ${wanted}`);
  }
}

/** OpenSSH's times: `1m30s`. Null if it is none. */
function secondsIn(text: string): number | null {
  if (!/^(\d+[smhdw]?)+$/i.test(text)) return null;
  const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 };
  return [...text.matchAll(/(\d+)([smhdw]?)/gi)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * (units[(unit || 's').toLowerCase()] ?? 1),
    0,
  );
}
