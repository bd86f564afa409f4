/** The keys that can be offered to a host, in OpenSSH's order: the agent's that are named, its others, then files. */
import { existsSync } from 'node:fs';
import { BaseAgent, createAgent, type IdentityCallback, type ParsedKey, type SignCallback, type SigningRequestOptions } from 'ssh2';
import type { Asker } from '../asker.ts';
import type { HostConfig } from './host-config.ts';
import { fingerprintOf } from './host-key.ts';
import { type KeyRules, whyNotSigned } from './key-rules.ts';
import { type KeyFile, readKeyFile } from './private-key.ts';
import type { Secrets } from './secrets.ts';

/** Longest that an agent may take to name its keys, milliseconds: a dead one must not hold up the login. */
const AGENT_MS = 5_000;
/** As OpenSSH: wrong passphrases per key. */
const PASSPHRASE_TRIES = 3;

export type Identity = {
  /** `key ~/.ssh/id_ed25519` or `agent key ann@laptop`, for people. */
  readonly label: string;
  /** Null where only the passphrase reveals it: `reveal` first. */
  readonly publicKey: ParsedKey | null;
  /** The public half, if a person must help for it. Throws PassphraseRefused if none was right. */
  reveal(): Promise<ParsedKey>;
  /** May ask for a passphrase. Throws PassphraseRefused if none was right. */
  sign(bytes: Buffer, options: SigningRequestOptions): Promise<Buffer>;
};

export type Identities = {
  readonly offered: readonly Identity[];
  /** One sentence each for a key or an agent that cannot be used. */
  readonly remarks: readonly string[];
  /** Path of a certificate beside a key, which OpenSSH would offer; ssh2 1.17 gives key and signature one name, so it cannot. */
  readonly certificate: string | null;
};

/** What a person whose certificate was left out should do. */
export const certificateRemark = (path: string, host: string): string =>
  `${path} is a certificate, which cmdop cannot offer: \`cmdop hosts add NAME -- ssh ${host} cmdop bridge\` goes through your own ssh`;

/** The person gave none, or wrong ones. */
export class PassphraseRefused extends Error {
  override name = 'PassphraseRefused';
  /** The person ended the whole login, not only this key. */
  readonly isCancelled: boolean;

  constructor(message: string, isCancelled = false) {
    super(message);
    this.isCancelled = isCancelled;
  }
}

type Surroundings = { readonly config: HostConfig; readonly ask: Asker; readonly secrets: Secrets };

export async function identitiesFor(around: Surroundings): Promise<Identities> {
  const { config } = around;
  if (!config.methods.includes('publickey')) return { offered: [], remarks: [], certificate: null };
  const remarks: string[] = [];
  const files = config.identityFiles.map((path) => ({ path, file: readKeyFile(path) }));
  for (const { path, file } of files) {
    if (file.is === 'unusable') remarks.push(`${path} is not used: ${file.why}`);
    if (file.is === 'missing' && config.areIdentitiesNamed) remarks.push(`${path} does not exist`);
  }
  const certificates = files.filter(({ file }) => file.is !== 'missing').map(({ path }) => `${path}-cert.pub`);
  const certificate = certificates.find((path) => existsSync(path)) ?? null;
  if (certificate) remarks.push(certificateRemark(certificate, config.typed));
  const agent = config.agent ? await agentKeys(config.agent, remarks) : [];
  const named = files.flatMap(({ file }) => agent.filter(({ publicKey }) => isKeyOf(file, publicKey)));
  const others = config.identitiesOnly ? [] : agent.filter((identity) => !named.includes(identity));
  const fromFiles = files.flatMap(({ path, file }) => {
    if (agent.some(({ publicKey }) => isKeyOf(file, publicKey))) return [];
    const identity = fileIdentity(path, file, around);
    return identity ? [identity] : [];
  });
  return { offered: [...new Set([...named, ...others, ...fromFiles])], remarks, certificate };
}

/** ssh2 offers what an agent holds: ours holds one key, so that what became of each is known. */
export class OneKeyAgent extends BaseAgent<ParsedKey> {
  /** The server accepted the key and asked for its signature. */
  hasSigned = false;
  /** Why it could not sign. */
  failure: Error | null = null;
  readonly #publicKey: ParsedKey;
  readonly #identity: Identity;
  readonly #rules: KeyRules;

  constructor(publicKey: ParsedKey, identity: Identity, rules: KeyRules) {
    super();
    this.#publicKey = publicKey;
    this.#identity = identity;
    this.#rules = rules;
  }

  override getIdentities(callback: IdentityCallback<ParsedKey>): void {
    callback(null, [this.#publicKey]);
  }

  override sign(_key: ParsedKey, bytes: Buffer, options: SigningRequestOptions | SignCallback, callback?: SignCallback): void {
    const done = typeof options === 'function' ? options : callback;
    const signing = typeof options === 'function' ? {} : options;
    // The algorithm was chosen by ssh2, from what the server takes.
    const refusal = whyNotSigned(this.#publicKey.getPublicSSH(), signing.hash, this.#rules);
    const signature = refusal ? Promise.reject(new Error(refusal)) : this.#identity.sign(bytes, signing);
    signature.then(
      (made) => {
        this.hasSigned = true;
        done?.(null, made);
      },
      (error: unknown) => {
        this.failure = error instanceof Error ? error : new Error(String(error));
        done?.(this.failure);
      },
    );
  }
}

async function agentKeys(socket: string, remarks: string[]): Promise<(Identity & { publicKey: ParsedKey })[]> {
  const agent = createAgent(socket);
  try {
    const keys = await new Promise<ParsedKey[]>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no answer within ${AGENT_MS / 1000} s`)), AGENT_MS);
      agent.getIdentities((error, found) => {
        clearTimeout(timer);
        if (error) reject(error);
        else resolve((found ?? []).filter(isParsed));
      });
    });
    return keys.map((publicKey) => ({
      label: `agent key ${publicKey.comment || fingerprintOf(publicKey.getPublicSSH())}`,
      publicKey,
      reveal: async () => publicKey,
      sign: (bytes, options) =>
        new Promise((resolve, reject) => {
          agent.sign(publicKey, bytes, options, (error, signature) => {
            if (signature) resolve(signature);
            else reject(error ?? new Error('the agent gave no signature'));
          });
        }),
    }));
  } catch (error) {
    remarks.push(`the agent at ${socket} cannot be asked (${error instanceof Error ? error.message : String(error)})`);
    return [];
  }
}

function fileIdentity(path: string, file: KeyFile, around: Surroundings): Identity | null {
  const label = `key ${path}`;
  if (file.is === 'open') {
    const { publicKey, privateKey } = file;
    return { label, publicKey, reveal: async () => publicKey, sign: async (bytes, options) => signed(privateKey, bytes, options) };
  }
  if (file.is !== 'locked') return null;
  let opened: ParsedKey | null = null;
  const open = async () => {
    opened ??= await unlock(path, file, around);
    return opened;
  };
  return {
    label,
    publicKey: file.publicKey,
    reveal: async () => file.publicKey ?? (await open()),
    sign: async (bytes, options) => signed(await open(), bytes, options),
  };
}

/** Throws PassphraseRefused. */
async function unlock(path: string, file: KeyFile & { is: 'locked' }, { config, ask, secrets }: Surroundings): Promise<ParsedKey> {
  const memory = file.publicKey ? fingerprintOf(file.publicKey.getPublicSSH()) : path;
  const remembered = secrets.keys.get(memory);
  if (remembered) return remembered;
  if (config.isBatch) throw new PassphraseRefused('its passphrase cannot be asked for (BatchMode)');
  for (let left = PASSPHRASE_TRIES; left > 0; left--) {
    const prompt = left === PASSPHRASE_TRIES ? `Passphrase for ${path}` : `That was not the passphrase for ${path}: once more`;
    const passphrase = await ask.secret({ kind: 'passphrase', host: config.typed, user: config.user, prompt, isEchoed: false });
    // An empty one goes on to the next key, as in OpenSSH.
    if (passphrase === null || passphrase === '') throw new PassphraseRefused('no passphrase was given', passphrase === null);
    const key = file.open(passphrase);
    if (!key) continue;
    secrets.keys.set(memory, key);
    return key;
  }
  throw new PassphraseRefused(`the passphrase was wrong ${PASSPHRASE_TRIES} times`);
}

function signed(key: ParsedKey, bytes: Buffer, options: SigningRequestOptions): Buffer {
  const signature: unknown = key.sign(bytes, options.hash);
  if (Buffer.isBuffer(signature)) return signature;
  throw signature instanceof Error ? signature : new Error('the key cannot sign');
}

function isKeyOf(file: KeyFile, publicKey: ParsedKey): boolean {
  const own = 'publicKey' in file ? file.publicKey : null;
  return own?.getPublicSSH().equals(publicKey.getPublicSSH()) ?? false;
}

function isParsed(key: unknown): key is ParsedKey {
  return typeof key === 'object' && key !== null && 'getPublicSSH' in key;
}
