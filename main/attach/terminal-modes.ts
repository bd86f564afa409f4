/** Sequences that bring a person's terminal from whatever state a session left it in back to a plain one. Pure. */

/** Ends a string or sequence that was cut off; nothing where none was. */
const END_OF_STRING = '\x1b\\';
/** Screen updates are no longer held back. */
const END_OF_UPDATE = '\x1b[?2026l';

/** Modes that make the terminal send something: mouse in all its forms, focus, paste marks, key forms, reports. */
export const INPUT_RESET = [
  '\x1b[?9;1000;1001;1002;1003;1005;1006;1015;1016l',
  '\x1b[?1004;2004;2031;2048l',
  '\x1b[?1;66l\x1b>', // cursor keys and keypad
  '\x1b[>4m', // modifyOtherKeys
  '\x1b[<16u', // kitty's keyboard flags, all that were pushed
].join('');

const CHARACTER_SETS = '\x1b(B\x1b)B\x1b*B\x1b+B\x0f';

/** Modes of drawing: cells from here on are plain and land where they are put. Moves the cursor home. */
export const DRAWING_RESET = [
  '\x1b[m',
  '\x1b[0"q', // protection
  CHARACTER_SETS,
  '\x1b[4;20l', // insert, newline
  '\x1b[?5;6;45;69l', // reverse video, origin, reverse wrap, left and right margins
  '\x1b[?7h', // wrap
  '\x1b[r', // scroll region
].join('');

const CURSOR_RESET = '\x1b[?25h\x1b[0 q';
const COLOR_RESET = '\x1b]104\x1b\\\x1b]110\x1b\\\x1b]111\x1b\\\x1b]112\x1b\\';

export const PUSH_TITLE = '\x1b[22;0t';
const POP_TITLE = '\x1b[23;0t';

/** What a terminal was left with. */
export type Leftover = {
  /** The alternate screen is shown. */
  readonly isAlternate: boolean;
  /** Row of the cursor on the screen that is shown, 0 at the top. */
  readonly row: number;
  readonly hasColors: boolean;
};

/** Makes a terminal as good as new, without its scrollback: both screens blank, the cursor at home on the normal one. */
export function blankTerminal(isAlternate: boolean): string {
  // The rows are erased, not the screen: some terminals keep an erased screen in their scrollback.
  const screen = '\x1b[H\x1b[J\x1b7';
  const toNormal = isAlternate ? '\x1b[?1047l' : '';
  const modes = `${INPUT_RESET}${DRAWING_RESET}${CURSOR_RESET}\x1b]8;;\x1b\\`;
  return `${END_OF_STRING}${modes}${toNormal}\x1b[?1047h${screen}\x1b[?1047l${tabStops()}${screen}`;
}

/** Stops at every eighth column, as far as a wide window goes. */
function tabStops(): string {
  let stops = '\x1b[3g';
  for (let col = 8; col < 512; col += 8) stops += `\x1b[${col + 1}G\x1bH`;
  return stops;
}

/** Undoes everything that a session may have set; the cursor is at the start of a row below what it showed. */
export function leaveTerminal({ isAlternate, row, hasColors }: Leftover): string {
  // What resets the margins moves the cursor: in an alternate screen it does not matter, as leaving that brings the saved one back.
  const place = isAlternate ? '\x1b[?1049l' : `\x1b[${row + 1};999H`;
  const colors = hasColors ? COLOR_RESET : '';
  // The cursor that comes back brings its colours and character sets along.
  return `${END_OF_STRING}${END_OF_UPDATE}${INPUT_RESET}${DRAWING_RESET}${place}\x1b[m${CHARACTER_SETS}${CURSOR_RESET}\x1b]8;;\x1b\\${colors}${POP_TITLE}\r\n\x1b[J`;
}

/** Before drawing a picture row by row; shows the same screen as before. */
export const PICTURE_START = `${END_OF_STRING}${END_OF_UPDATE}${DRAWING_RESET}\x1b[?7l\x1b[?25l`;

/** The part of a snapshot that decides what the terminal sends; without the mouse where its positions would be wrong. */
export function inputModesOf(snapshot: string, hasMouse: boolean): string {
  const modes = snapshot.match(/\x1b\[\?(?:1|66|9|1000|1002|1003|1004|1005|1006|1015|1016|2004)h|\x1b\[>[\d;]*[um]/g) ?? [];
  return modes.filter((mode) => hasMouse || !/\?(?:9|10(?!04)\d\d)h/.test(mode)).join('');
}
