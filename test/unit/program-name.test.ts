/** What is left of a command line for those who are not to see its arguments. */
import { expect, test } from 'vitest';
import { programName } from '../../main/host/processes/program-name.ts';

test.each([
  ['node server.js --token=TOPSECRET', 'node'],
  ['/usr/local/bin/node /srv/app.js', 'node'],
  ['-bash', '-bash'],
  ['nginx: master process /usr/sbin/nginx -g daemon off;', 'nginx:'],
  ['worker\t--key=a/b', 'worker'],
  [' --token=TOPSECRET', ''], // it was started without a name
  ['', ''],
])('of %j it is %j', (command, name) => {
  expect(programName(command)).toBe(name);
});
