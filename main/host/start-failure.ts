/**
 * Why a process could not be started, and what helps. A child that was not started has no pid, and without descriptors no
 * pipes and no channel either; its `error` event, which always comes, says why.
 */
export function startFailure({ code, message }: NodeJS.ErrnoException): string {
  switch (code) {
    case 'EMFILE':
      return `the host has too many files and connections open (${message}): close some, or raise its limit with \`ulimit -n\``;
    case 'ENFILE':
      return `this machine has too many files open (${message}): end a program, or raise fs.file-max`;
    case 'EAGAIN':
      return `this account runs too many processes (${message}): end some, or raise the limit with \`ulimit -u\``;
    default:
      return message;
  }
}
