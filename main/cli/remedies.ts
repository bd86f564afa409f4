/** Failures of another machine's host, with remedies as they must be typed here. Pure. */
import { CmdopError } from '#protocol/errors.ts';
import type { VersionRange } from '#protocol/versions.ts';
import { sentenceOf } from './exit-codes.ts';

/** Commands that are for this machine, whatever host a sentence is about. */
const HERE = /^(-H|hosts|mcp|join|key)\b/;

/** A host names commands as they are typed beside it: here they need `-H HOST`. */
export function sentenceAbout(host: string, error: unknown): string {
  const sentence = (error instanceof CmdopError ? mismatchSentence(error, host) : null) ?? sentenceOf(error);
  return asTypedHere(host, sentence);
}

/** A sentence of `host`, or about it, with its commands as they must be typed here. */
export function asTypedHere(host: string, sentence: string): string {
  return sentence.replace(/`cmdop ([^`]+)`/g, (whole, rest: string) => (HERE.test(rest) ? whole : `\`cmdop -H ${host} ${rest}\``));
}

/** Null where this side is the one to be updated, and for any other failure. */
function mismatchSentence({ code, data }: CmdopError, host: string): string | null {
  const [there, here] = [rangeIn(data?.host), rangeIn(data?.client)];
  if (code !== 'protocol-mismatch' || !there || !here || here.min <= there.max) return null;
  return `the host on ${host} speaks protocol ${there.max} at most, this cmdop ${here.min} at least: \`cmdop hosts install ${host}\` brings this one there`;
}

function rangeIn(value: unknown): VersionRange | null {
  if (typeof value !== 'object' || value === null || !('min' in value) || !('max' in value)) return null;
  return typeof value.min === 'number' && typeof value.max === 'number' ? { min: value.min, max: value.max } : null;
}
