/** Which directives of ssh_config cmdop follows, may leave aside, or must name because they would change who is reached. */
import type { Directive } from './config-file.ts';
import type { Settings } from './config-match.ts';

/** Read in host-config.ts. */
const FOLLOWED = `
  addressfamily batchmode bindaddress ciphers compression connecttimeout globalknownhostsfile hashknownhosts host
  hostkeyalgorithms hostkeyalias hostname identitiesonly identityagent identityfile kbdinteractiveauthentication
  challengeresponseauthentication kexalgorithms macs match numberofpasswordprompts passwordauthentication port
  preferredauthentications proxycommand proxyjump pubkeyacceptedalgorithms pubkeyacceptedkeytypes pubkeyauthentication
  refuseconnection requiredrsasize revokedhostkeys serveralivecountmax serveraliveinterval stricthostkeychecking tag user
  userknownhostsfile ignoreunknown`;

/**
 * About forwarding, terminals, logs and shared connections, none of which there are here, or about what only asks less often:
 * who and what is reached stays the same, and how well it is guarded. The README says so.
 */
const LEFT_ASIDE = `
  addkeystoagent canonicaldomains canonicalizefallbacklocal canonicalizemaxdots canonicalizepermittedcnames
  casignaturealgorithms channeltimeout clearallforwardings connectionattempts controlmaster controlpath
  controlpersist dynamicforward enableescapecommandline enablesshkeysign escapechar exitonforwardfailure fingerprinthash
  forkafterauthentication forwardagent forwardx11 forwardx11timeout forwardx11trusted gatewayports
  gssapiauthentication gssapidelegatecredentials gssapikeyexchange gssapikexalgorithms
  gssapirenewalforcesrekey gssapiserveridentity gssapiclientidentity gssapitrustdns hostbasedacceptedalgorithms
  hostbasedkeytypes ipqos kbdinteractivedevices localcommand localforward loglevel logverbose nohostauthenticationforlocalhost
  permitlocalcommand permitremoteopen protocol remotecommand remoteforward requesttty sendenv sessiontype setenv stdinnull
  streamlocalbindmask streamlocalbindunlink syslogfacility tcpkeepalive tunnel tunneldevice updatehostkeys useprivilegedport
  usekeychain useroaming usersh versionaddendum visualhostkey warnweakcrypto xauthlocation`;

/** Value that changes nothing, and what to do about any other. */
const NAMED: Readonly<Record<string, { readonly harmless: RegExp; readonly remedy: string }>> = {
  checkhostip: { harmless: /^(no|false)$/i, remedy: 'a host is known by its name, not by its address' },
  include: { harmless: /^[^%]*$/, remedy: 'a path with tokens is not replaced, and not read; write it out' },
  obscurekeystroketiming: { harmless: /^(no|false)$/i, remedy: 'keys are sent as they are typed' },
  rekeylimit: { harmless: /^default( none)?$/i, remedy: 'a connection gets new keys when the server says so; set it there' },
  canonicalizehostname: { harmless: /^(no|false)$/i, remedy: 'names are used as they are; write the whole name in HostName' },
  certificatefile: {
    harmless: /^none$/i,
    remedy: 'the plain key is offered; `cmdop hosts add NAME -- ssh HOST cmdop bridge` goes through your own ssh, which can use it',
  },
  hostbasedauthentication: { harmless: /^(no|false)$/i, remedy: 'use a key, a password or keyboard-interactive' },
  knownhostscommand: { harmless: /^none$/i, remedy: 'only the known_hosts files are asked' },
  verifyhostkeydns: { harmless: /^(no|false|ask)$/i, remedy: 'keys in DNS are not asked for; an unknown key is shown instead' },
  pkcs11provider: { harmless: /^none$/i, remedy: 'load the token into ssh-agent (`ssh-add -s`) and it is used from there' },
  securitykeyprovider: { harmless: /.*/, remedy: '' },
  proxyusefdpass: { harmless: /^(no|false)$/i, remedy: 'the proxy command must pass the bytes on itself' },
  bindinterface: { harmless: /^none$/i, remedy: 'use BindAddress' },
};

const known = new Set([...FOLLOWED.split(/\s+/), ...LEFT_ASIDE.split(/\s+/), ...Object.keys(NAMED)].filter(Boolean));

/** One sentence for each directive that holds for this destination and is not followed though it matters. */
export function unsupportedIn(settings: Settings): string[] {
  return [...settings.values()].flat().flatMap((directive) => complaintAbout(directive) ?? []);
}

function complaintAbout({ name, words, where }: Directive): string | null {
  if (!known.has(name)) return `${where}: cmdop does not know ${name}; it is left out`;
  const rule = NAMED[name];
  if (!rule || rule.harmless.test(words.join(' '))) return null;
  return `${where}: cmdop does not support ${name}: ${rule.remedy}`;
}
