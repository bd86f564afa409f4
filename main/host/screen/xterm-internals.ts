/** The one place that knows what lies behind xterm.js' API: what a snapshot needs and the API does not show, checked before use. */

export type XtermExtended = { readonly _ext: number; readonly _urlId: number };

export type XtermAttributes = { readonly fg: number; readonly bg: number; readonly extended: XtermExtended };

export type XtermLine = {
  readonly length: number;
  readonly isWrapped: boolean;
  /** Three numbers a cell: content, foreground, background. */
  readonly _data: Uint32Array;
  readonly _combined: { readonly [col: number]: string };
  readonly _extendedAttrs: { readonly [col: number]: XtermExtended | undefined };
};

/** A table from ASCII to what is shown for it, by identity; undefined is ASCII itself. */
export type XtermCharset = { readonly [ascii: string]: string | undefined } | undefined;

export type XtermLines = {
  readonly length: number;
  get(index: number): XtermLine | undefined;
  onTrim(listener: (lines: number) => void): unknown;
};

export type XtermBuffer = {
  readonly lines: XtermLines;
  readonly ybase: number;
  readonly x: number;
  readonly y: number;
  readonly scrollTop: number;
  readonly scrollBottom: number;
  readonly savedX: number;
  readonly savedY: number;
  readonly savedCurAttrData: XtermAttributes;
  readonly savedCharset: XtermCharset;
  readonly tabs: { readonly [col: number]: boolean | undefined };
};

export type XtermCore = {
  readonly cols: number;
  readonly rows: number;
  readonly buffers: { readonly active: XtermBuffer; readonly normal: XtermBuffer; readonly alt: XtermBuffer };
  readonly coreService: {
    readonly isCursorHidden: boolean;
    readonly modes: { readonly insertMode: boolean };
    readonly decPrivateModes: {
      readonly applicationCursorKeys: boolean;
      readonly applicationKeypad: boolean;
      readonly bracketedPasteMode: boolean;
      readonly cursorBlink: boolean | undefined;
      readonly cursorStyle: 'block' | 'underline' | 'bar' | undefined;
      readonly origin: boolean;
      readonly reverseWraparound: boolean;
      readonly sendFocus: boolean;
      readonly synchronizedOutput: boolean;
      readonly wraparound: boolean;
    };
  };
  readonly coreMouseService: { readonly activeProtocol: string; readonly activeEncoding: string };
  readonly optionsService: { readonly rawOptions: { readonly convertEol: boolean; readonly cursorBlink: boolean } };
  readonly _charsetService: { readonly charset: XtermCharset; readonly glevel: number; readonly _charsets: readonly XtermCharset[] };
  readonly _oscLinkService: { getLinkData(id: number): { readonly id?: string; readonly uri: string } | undefined };
  readonly _inputHandler: {
    /** Parses at once, in this turn, as long as no handler is asynchronous. */
    parse(bytes: Uint8Array): unknown;
    onColor(listener: (requests: readonly { type: number; index?: number; color?: readonly number[] }[]) => void): unknown;
    onRequestReset(listener: () => void): unknown;
    readonly _curAttrData: XtermAttributes;
    readonly _windowTitle: string;
    readonly _iconName: string;
    readonly _windowTitleStack: readonly string[];
    readonly _iconNameStack: readonly string[];
    readonly _parser: { readonly currentState: number; readonly precedingJoinState: number; reset(): void };
    readonly _utf8Decoder: { readonly interim: Uint8Array };
  };
};

const SHAPE: Record<string, string> = {
  cols: 'number',
  rows: 'number',
  'buffers.active.lines.length': 'number',
  'buffers.active.lines.get': 'function',
  'buffers.active.lines.onTrim': 'function',
  'buffers.active.ybase': 'number',
  'buffers.active.x': 'number',
  'buffers.active.y': 'number',
  'buffers.active.scrollTop': 'number',
  'buffers.active.scrollBottom': 'number',
  'buffers.active.savedX': 'number',
  'buffers.active.savedY': 'number',
  'buffers.active.savedCurAttrData.fg': 'number',
  'buffers.active.savedCurAttrData.bg': 'number',
  'buffers.active.tabs': 'object',
  'buffers.normal.ybase': 'number',
  'buffers.alt.ybase': 'number',
  'coreService.isCursorHidden': 'boolean',
  'coreService.modes.insertMode': 'boolean',
  'coreService.decPrivateModes.applicationCursorKeys': 'boolean',
  'coreService.decPrivateModes.applicationKeypad': 'boolean',
  'coreService.decPrivateModes.bracketedPasteMode': 'boolean',
  'coreService.decPrivateModes.origin': 'boolean',
  'coreService.decPrivateModes.reverseWraparound': 'boolean',
  'coreService.decPrivateModes.sendFocus': 'boolean',
  'coreService.decPrivateModes.synchronizedOutput': 'boolean',
  'coreService.decPrivateModes.wraparound': 'boolean',
  'coreMouseService.activeProtocol': 'string',
  'coreMouseService.activeEncoding': 'string',
  'optionsService.rawOptions.convertEol': 'boolean',
  'optionsService.rawOptions.cursorBlink': 'boolean',
  '_charsetService.glevel': 'number',
  '_charsetService._charsets.length': 'number',
  '_oscLinkService.getLinkData': 'function',
  '_inputHandler.parse': 'function',
  '_inputHandler.onColor': 'function',
  '_inputHandler.onRequestReset': 'function',
  '_inputHandler._curAttrData.fg': 'number',
  '_inputHandler._curAttrData.bg': 'number',
  '_inputHandler._curAttrData.extended._ext': 'number',
  '_inputHandler._curAttrData.extended._urlId': 'number',
  '_inputHandler._windowTitle': 'string',
  '_inputHandler._iconName': 'string',
  '_inputHandler._windowTitleStack.length': 'number',
  '_inputHandler._iconNameStack.length': 'number',
  '_inputHandler._parser.currentState': 'number',
  '_inputHandler._parser.precedingJoinState': 'number',
  '_inputHandler._parser.reset': 'function',
  '_inputHandler._utf8Decoder.interim.length': 'number',
};

/** What lies behind a terminal. Throws, naming the first thing that is not as in xterm.js 6.0. */
export function internalsOf(terminal: object): XtermCore {
  const core: unknown = Reflect.get(terminal, '_core');
  for (const [path, type] of Object.entries(SHAPE)) {
    const found = path.split('.').reduce<unknown>((value, name) => (isObject(value) ? Reflect.get(value, name) : undefined), core);
    if (typeof found !== type) throw changed(path, `is ${typeof found}, not ${type}`);
  }
  for (const name of ['cursorStyle', 'cursorBlink']) {
    if (!(name in (core as XtermCore).coreService.decPrivateModes)) throw changed(`coreService.decPrivateModes.${name}`, 'is missing');
  }
  const line = (core as XtermCore).buffers.active.lines.get(0);
  if (!(line?._data instanceof Uint32Array) || line._data.length < line.length * 3)
    throw changed('buffers.active.lines', 'hold other cells');
  return core as XtermCore;
}

const isObject = (value: unknown): value is object => (typeof value === 'object' && value !== null) || typeof value === 'function';

const changed = (path: string, how: string) =>
  new Error(
    `xterm.js is not as cmdop knows it (6.0.0): _core.${path} ${how}; pin @xterm/headless to 6.0.0 or adapt main/host/screen/xterm-internals.ts`,
  );
