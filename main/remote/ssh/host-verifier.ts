/**
 * Decides whether a host is who it should be, from the known_hosts files and, if they do not know it, from a person.
 * A key that changed or is revoked is refused whatever the configuration says.
 */
import { randomBytes } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { CmdopError } from '#protocol/errors.ts';
import type { Asker } from '../asker.ts';
import type { HostConfig } from './host-config.ts';
import { fingerprintOf, typeOf } from './host-key.ts';
import { tooSmall } from './key-rules.ts';
import { isFor, judgeKey, type KnownHost, knownHostsLine, knownName, knownTypes, parseKnownHosts } from './known-hosts.ts';
import { refuseRevoked } from './revoked-keys.ts';

export type HostVerifier = {
  /** Types of the keys under which the host is known. */
  readonly types: readonly string[];
  /** Resolves if the key is good; throws `host-key` with what to do if not. Asks at most once: a later key must be the same. */
  verify(key: Buffer): Promise<void>;
  /** To be called once the host has proved that it has the key: what a person accepted is remembered from here on. */
  proven(): void;
};

type VerifierOptions = { config: HostConfig; ask: Asker };

export function hostVerifier({ config, ask }: VerifierOptions): HostVerifier {
  const { hostName, port, keyAlias, hostKeys } = config;
  const name = knownName({ host: hostName, port, alias: keyAlias });
  const entries = [...hostKeys.userFiles, ...hostKeys.globalFiles].flatMap(entriesOf);
  let accepted: Buffer | null = null;
  let toRemember: Buffer | null = null;

  const judge = async (key: Buffer) => {
    const small = tooSmall(key, config.keyRules);
    if (small) throw refusal(`the RSA key of ${name} is too small: ${small}; ask who runs it for a larger one`);
    if (hostKeys.revokedFile) await refuseRevoked({ key, file: hostKeys.revokedFile, hostName });
    const verdict = judgeKey(entries, { key, name, ...(keyAlias || port === 22 ? {} : { fallbackName: hostName.toLowerCase() }) });
    switch (verdict.is) {
      case 'known':
        return;
      case 'revoked':
        throw refusal(`${name} shows a key that is revoked (${fingerprintOf(key)}, ${place(verdict.by)}): do not connect; ask who runs it`);
      case 'changed':
        throw refusal(changedSentence({ name, key, known: verdict.known, config }));
      case 'unknown':
        await admit(key, verdict.others, verdict.authorities);
        toRemember = key;
    }
  };

  /** Returns if a key that nobody vouches for may be used. */
  const admit = async (key: Buffer, others: readonly KnownHost[], authorities: readonly KnownHost[]) => {
    const fingerprint = fingerprintOf(key);
    if (authorities.length > 0) {
      const [authority] = authorities;
      if (authority) ask.notice(`${place(authority)}: cmdop cannot check host certificates; the key itself is looked at`);
    }
    const unknown = `nothing vouches for the key of ${name} (${typeOf(key)}, ${fingerprint})`;
    if (hostKeys.strict === 'yes')
      throw refusal(`${unknown}, and StrictHostKeyChecking is on: add it with \`${keyscan(config)}\` after checking it`);
    if (hostKeys.strict !== 'ask')
      ask.notice(`StrictHostKeyChecking ${hostKeys.strict} is not followed: cmdop takes no key that nobody vouches for without asking`);
    if (config.isBatch)
      throw refusal(`${unknown}, and BatchMode leaves nobody to ask: add it with \`${keyscan(config)}\` after checking it`);
    const remark = remarkOn(key, others);
    const isAccepted = await ask.hostKey({ host: hostName, port, type: typeOf(key), fingerprint, ...(remark ? { remark } : {}) });
    if (isAccepted) return;
    throw refusal(
      `the key of ${name} (${fingerprint}) was not accepted, and nothing was sent there: once it is checked, answer yes or add it with \`${keyscan(config)}\``,
    );
  };

  const remarkOn = (key: Buffer, others: readonly KnownHost[]): string | null => {
    const [other] = others;
    if (other) return `${place(other)} knows this host by a key of another type (${other.type}, ${fingerprintOf(other.key)})`;
    const elsewhere = entries.find((entry) => entry.marker === 'none' && entry.key.equals(key));
    if (!elsewhere) return null;
    const shown = elsewhere.names.startsWith('|') ? 'another name' : elsewhere.names;
    return `the same key is known for ${shown} (${place(elsewhere)})`;
  };

  return {
    types: knownTypes(entries, name),
    verify: async (key) => {
      if (accepted) {
        // The link changes its keys while it lives; the host stays the same.
        if (!accepted.equals(key)) throw refusal(`${name} showed another key while connected: do not go on; ask who runs it`);
        return;
      }
      await judge(key);
      accepted = key;
    },
    proven: () => {
      if (toRemember) remember({ key: toRemember, name, config, ask });
      toRemember = null;
    },
  };
}

function remember({ key, name, config, ask }: { key: Buffer; name: string; config: HostConfig; ask: Asker }): void {
  const [file] = config.hostKeys.userFiles;
  if (!file || file === '/dev/null') return;
  const salt = config.hostKeys.isHashing ? randomBytes(20) : null;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const there = existsSync(file) ? readFileSync(file, 'utf8') : '';
    if (parseKnownHosts(there, file).some((entry) => entry.marker === 'none' && entry.key.equals(key) && isFor(entry, name))) return;
    const gap = there === '' || there.endsWith('\n') ? '' : '\n';
    appendFileSync(file, `${gap}${knownHostsLine({ name, key, salt })}\n`, { mode: 0o600 });
  } catch (error) {
    ask.notice(`the key of ${name} could not be added to ${file} (${why(error)}): it will be asked for again`);
  }
}

function changedSentence({ name, key, known, config }: { name: string; key: Buffer; known: KnownHost; config: HostConfig }): string {
  const isOwn = config.hostKeys.userFiles.includes(known.file);
  const remedy = isOwn ? `\`ssh-keygen -R '${name}' -f ${known.file}\`` : `remove line ${known.line} of ${known.file}`;
  return (
    `the key of ${name} has CHANGED: it shows ${fingerprintOf(key)}, and ${place(known)} has ${fingerprintOf(known.key)} (${known.type}); ` +
    `someone may be listening in. If its owner confirms the new key: ${remedy}`
  );
}

function entriesOf(file: string): KnownHost[] {
  try {
    return parseKnownHosts(readFileSync(file, 'utf8'), file);
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return [];
    throw refusal(`${file} cannot be read (${why(error)}): without it no host can be checked`);
  }
}

function keyscan({ hostName, port }: HostConfig): string {
  return `ssh-keyscan ${port === 22 ? '' : `-p ${port} `}${hostName}`;
}

function place({ file, line }: KnownHost): string {
  return `${file}:${line}`;
}

function refusal(sentence: string): CmdopError {
  return new CmdopError('host-key', sentence);
}

function why(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
