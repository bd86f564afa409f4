/**
 * Which program a command line runs, without its arguments: what observers are told of it. Pure.
 *
 * The first word of it, since a program that gives itself a title may write its arguments there as well.
 */
export function programName(command: string): string {
  const [first = ''] = command.split(/\s/, 1);
  return first.slice(first.lastIndexOf('/') + 1);
}
