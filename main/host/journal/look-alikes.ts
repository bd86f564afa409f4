/**
 * Letters that look like others: what a name looks like, and which names mix scripts. Pure.
 *
 * A part of Unicode's UTS 39 ("confusables", "single script"): the common look-alikes of the Latin letters, and no
 * others. What looks like a letter of no Latin name is not judged.
 */

/** What each looks like, then the letters. A capital's small letter looks the same unless it stands here itself. */
const LOOK_ALIKES: readonly (readonly [string, string])[] = [
  // Cyrillic: small letters first, since they are more often alike.
  ['acdeghijklnopqrsvwxyy', 'асԁеԍһіјкӏпорԛгѕѵԝхуү'],
  ['ABCEGHIJKMOPQSTVWXYYl', 'АВСЕԌНІЈКМОРԚЅТѴԜХУҮӀ'],
  // Greek.
  ['abeynikvopcotuwxj', 'αβεγηικνορςστυωχϳ'],
  ['ABEZHIKMNOPTYX', 'ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ'],
  // Armenian and Cherokee.
  ['uohngqjSOLU', 'սօհոցզյՏՕԼՍ'],
  ['DRTAJEWMHGZRSVLCPKB', 'ᎠᎡᎢᎪᎫᎬᎳᎷᎻᏀᏃᏒᏚᏙᏞᏟᏢᏦᏴ'],
  // Latin itself, and digits.
  ['agilovyzlollI', 'ɑɡıɩᴏʋʏᴢǀ01|Ɩ'],
  ['lll', 'Iƚɭ'],
];

const LOOKS: ReadonlyMap<string, string> = looks();

function looks(): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [latin, letters] of LOOK_ALIKES) {
    for (const [index, letter] of [...letters].entries()) found.set(letter, latin[index] ?? letter);
  }
  for (const [letter, latin] of [...found]) {
    const small = letter.toLowerCase();
    if (!found.has(small) && !/[a-z]/.test(small)) found.set(small, latin);
  }
  return found;
}

const asItLooks = (text: string) => Array.from(text, (letter) => LOOKS.get(letter) ?? letter).join('');

/** UTS 39's skeleton, in small letters. */
const skeleton = (text: string) =>
  asItLooks(asItLooks(asItLooks(text).normalize('NFKC')).toLowerCase())
    .replaceAll('rn', 'm')
    .replaceAll('vv', 'w')
    .replaceAll(/\s+/g, ' ');

/** Names of which one is in both lists would be taken for one: a capital I looks like an l, and is an i. */
export const appearances = (name: string): readonly string[] => [skeleton(name), skeleton(name.normalize('NFKC').toLowerCase())];

/** Scripts whose letters look like those of one another. */
const SCRIPTS: readonly (readonly [string, RegExp])[] = [
  ['Latin', /\p{Script=Latin}/u],
  ['Cyrillic', /\p{Script=Cyrillic}/u],
  ['Greek', /\p{Script=Greek}/u],
  ['Armenian', /\p{Script=Armenian}/u],
  ['Cherokee', /\p{Script=Cherokee}/u],
  ['Coptic', /\p{Script=Coptic}/u],
  ['Lisu', /\p{Script=Lisu}/u],
];

/** Those of SCRIPTS that the letters of `name` are of. */
export function scriptsIn(name: string): string[] {
  const letters = name.normalize('NFKC').replaceAll(/\P{L}/gu, '');
  return SCRIPTS.flatMap(([script, has]) => (has.test(letters) ? [script] : []));
}
