/** Keys of guests as `authorized_keys` lists them: each with a name, and none whose restrictions would be lost. */
import { expect, test } from 'vitest';
import { authorizedKeys, nameInComment } from '../../main/cli/sharing/authorized-keys.ts';

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICMeFETPn7b7uHRgbdXXgwgBX2zSrmkUoL/wUHygbH81';

test('each line is a key with the name of its comment', () => {
  const found = authorizedKeys(`# people\n${KEY} ben@laptop\n\nrestrict,pty ${KEY} cleo\r\n`);
  expect(found.map(({ name, key }) => [name, key.text])).toEqual([
    ['ben', KEY],
    ['cleo', KEY],
  ]);
  expect(found[0]?.key.fingerprint).toBe('SHA256:8o95gXukApb/2qTb1+aBOfOgmaZ0n9STvH0hhfVtezI');
});

test.each([
  [`from="10.0.0.1" ${KEY} ben`, 'line 1 has the option from="10.0.0.1"'],
  [`no-pty,command="echo \\"a, b\\"" ${KEY} ben`, 'line 1 has the option no-pty'],
  [`cert-authority ${KEY} ben`, 'line 1 has the option cert-authority'],
  [KEY, 'line 1 does not say whose key it is'],
  ['hello', 'line 1 has no public key'],
  ['# nothing\n', 'there is no key in it'],
])('%j is refused', (text, why) => expect(() => authorizedKeys(text)).toThrow(why));

test('a comment names its person', () => {
  expect(nameInComment('ben@laptop')).toBe('ben');
  expect(nameInComment('Ben Smith')).toBe('Ben Smith');
  expect(nameInComment(' ')).toBe(null);
});
