/** One SSH connection over a byte stream: the host proves who it is, then the user does. */
import { Client } from 'ssh2';
import { CmdopError } from '#protocol/errors.ts';
import { type Asker, askingUntil } from '../asker.ts';
import { algorithmsFor } from './algorithms.ts';
import { authentication, type Proof } from './authentication.ts';
import type { HostConfig } from './host-config.ts';
import { fingerprintOf } from './host-key.ts';
import { hostVerifier } from './host-verifier.ts';
import { preparePacketKeys } from './packet-keys.ts';
import { Patience } from './patience.ts';
import { plainText } from './plain-text.ts';
import type { Route } from './route.ts';
import type { Secrets } from './secrets.ts';

/** Longest that a server may think about one step of the login, milliseconds: its own patience is 2 minutes. */
const STEP_MS = 60_000;
/** Reasons of a server to disconnect. */
const NO_MORE_METHODS = 14;
const ILLEGAL_USER_NAME = 15;

export type Connection = {
  readonly client: Client;
  readonly config: HostConfig;
  readonly hostFingerprint: string;
  readonly proof: Proof;
  /** How long ago the last bytes came, milliseconds. */
  silentMs(): number;
};

export type ConnectionOptions = {
  readonly config: HostConfig;
  readonly route: Route;
  readonly ask: Asker;
  readonly secrets: Secrets;
  readonly signal: AbortSignal;
};

/**
 * Throws `host-key`, `unauthorized`, `host-unreachable` or `bad-configuration`; the route is disposed then. `unauthorized`
 * is only what another attempt would end in as well: a line that breaks while the user proves who it is refuses nobody.
 */
export function connectOver({ config, route, ask: asker, secrets, signal }: ConnectionOptions): Promise<Connection> {
  const client = new Client();
  const over = new AbortController();
  const ask = askingUntil(over.signal, asker);
  const verifier = hostVerifier({ config, ask });
  const place = `${config.hostName} port ${config.port}`;
  return new Promise((resolve, reject) => {
    let hostFingerprint = '';
    let provenKey: Buffer | null = null;
    let isSettled = false;
    const handshake = new Patience(config.connectMs, () =>
      fail(unreachable(`${place} does not answer as an SSH server within ${config.connectMs / 1000} s: is it this port?`)),
    );
    const steps = { patience: handshake };

    const settle = () => {
      isSettled = true;
      over.abort();
      steps.patience.end();
      signal.removeEventListener('abort', abort);
    };
    const fail = (error: CmdopError) => {
      if (isSettled) return;
      settle();
      client.destroy();
      route.dispose();
      reject(error);
    };
    const brokenLogin = (why: string) =>
      unreachable(`the connection to ${place} broke during the login as ${config.user} (${why}): check the network and its sshd`);
    const abort = () => fail(unreachable(`connecting to ${place} was given up`));
    const login = authentication({
      config,
      ask,
      secrets,
      hostFingerprint: () => hostFingerprint,
      waiting: (work) => steps.patience.during(work),
      exhausted: () => fail(login.failure()),
    });

    client.on('banner', (text) => {
      const shown = plainText(text);
      if (shown) ask.notice(shown);
    });
    client.on('handshake', ({ sc }) => {
      preparePacketKeys(client);
      // AES-GCM deciphers each read into memory of its own; of others not all that is kept is known.
      if (sc.cipher.includes('-gcm')) route.reuseReads?.();
    });
    client.once('handshake', () => {
      verifier.proven();
      // From here on each step has its own time.
      handshake.end();
      steps.patience = new Patience(STEP_MS, () => fail(brokenLogin(`no answer within ${STEP_MS / 1000} s`)));
    });
    client.on('error', (error) => {
      // A key that could not sign is none that ends the login: the next is tried.
      if ('level' in error && error.level === 'agent') return;
      if (steps.patience === handshake) fail(sentenceFor({ error, place, route }));
      else fail(isRefusal(error) ? login.failure(plainText(error.message)) : brokenLogin(plainText(error.message)));
    });
    client.once('close', () => {
      if (ask.isAsking) fail(new CmdopError('unauthorized', `${place} closed the connection, since nobody answered in time: try again`));
      else if (steps.patience === handshake) fail(closedEarly(place, route));
      else fail(brokenLogin(route.said() || 'it closed the connection'));
    });
    client.once('ready', () => {
      if (isSettled) return;
      settle();
      login.succeeded();
      let receivedAt = performance.now();
      route.stream.on('data', () => {
        receivedAt = performance.now();
      });
      resolve({ client, config, hostFingerprint, proof: login.proof(), silentMs: () => performance.now() - receivedAt });
    });

    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort);
    try {
      client.connect({
        sock: route.stream,
        username: config.user,
        // Ours stands still while a person is asked.
        readyTimeout: 0,
        keepaliveInterval: config.keepaliveMs,
        keepaliveCountMax: config.keepaliveCount,
        algorithms: algorithmsFor(config.algorithms, verifier.types),
        hostVerifier: (key: Buffer, verify: (isGood: boolean) => void) => {
          // New keys for an open link (RekeyLimit): ssh2 garbles what is written while it waits for an answer here.
          if (provenKey?.equals(key)) return verify(true);
          steps.patience.during(verifier.verify(key)).then(
            () => {
              hostFingerprint = fingerprintOf(key);
              provenKey = Buffer.from(key);
              verify(true);
            },
            (error: unknown) => {
              const refusal = error instanceof CmdopError ? error : new CmdopError('host-key', `${place}: ${String(error)}`);
              // Before it hangs up, so that this is what is told; an open link is closed by it all the same.
              fail(refusal);
              verify(false);
            },
          );
        },
        authHandler: (allowed, isPartial, next) => {
          steps.patience.renew();
          login.handler(allowed, isPartial, next);
        },
      });
    } catch (error) {
      fail(error instanceof CmdopError ? error : unreachable(`${place} cannot be connected to: ${String(error)}`));
    }
  });
}

/** The server disconnects because of what was tried: OpenSSH says so in words, others by number (RFC 4253, section 11.1). */
function isRefusal(error: Error): boolean {
  const isByNumber = 'code' in error && (error.code === NO_MORE_METHODS || error.code === ILLEGAL_USER_NAME);
  return isByNumber || /too many authentication/i.test(error.message);
}

type Failed = { error: Error; place: string; route: Route };

function sentenceFor({ error, place, route }: Failed): CmdopError {
  const said = plainText(error.message);
  const level = 'level' in error ? error.level : '';
  if (/no matching/i.test(said)) {
    return new CmdopError(
      'bad-configuration',
      `${place} has no algorithm in common with cmdop (${said}): update its sshd, or set Ciphers, KexAlgorithms, MACs or HostKeyAlgorithms`,
    );
  }
  if (/before handshake/i.test(said)) return closedEarly(place, route);
  if (level === 'client-socket') return unreachable(`the connection to ${place} failed (${said}): check the network, and try again`);
  return unreachable(`${place} does not speak SSH as expected (${said}): is it this port?`);
}

function closedEarly(place: string, route: Route): CmdopError {
  const said = route.said();
  if (said) return unreachable(`the proxy command to ${place} failed (${said}): check ProxyCommand in ~/.ssh/config`);
  return unreachable(`${place} closed the connection before it said who it is: is it sshd, and does it let this address in?`);
}

function unreachable(sentence: string): CmdopError {
  return new CmdopError('host-unreachable', sentence);
}
