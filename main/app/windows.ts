/** The window: where it was, what it may do, and what happens when its page crashes. */
import { join } from 'node:path';
import { app, BrowserWindow, dialog, nativeTheme, type Rectangle, screen } from 'electron';
import { z } from 'zod';
import { VERSION_ARGUMENT } from '../../preload/channels.ts';
import { readJsonFile, writeJsonFile } from './json-file.ts';
import { followPage } from './page-events.ts';
import { APP_PAGE } from './scheme.ts';

/** Of the page, so that nothing flashes before it paints. */
const BACKGROUND = { dark: '#16171a', light: '#ffffff' };
/** A page that crashes again this soon is not loaded again, milliseconds. */
const CRASH_LOOP_MS = 10_000;
/** A window is moved a hundred times in one drag; its place is written when it rests, milliseconds. */
const REST_MS = 500;

const placeSchema = z.object({
  bounds: z
    .object({ x: z.number().int(), y: z.number().int(), width: z.number().int().min(200), height: z.number().int().min(150) })
    .nullable(),
  isMaximized: z.boolean(),
});
type Place = z.infer<typeof placeSchema>;

export function openWindow({ distDir }: { distDir: string }): BrowserWindow {
  const place = readJsonFile<Place>(placeFile(), placeSchema, { bounds: null, isMaximized: false });
  const window = new BrowserWindow({
    width: 1180,
    height: 760,
    ...(place.bounds && isOnAScreen(place.bounds) ? place.bounds : {}),
    minWidth: 480,
    minHeight: 320,
    show: false,
    title: app.getName(),
    ...(process.platform === 'linux' ? { icon: join(distDir, 'icon.png') } : {}), // elsewhere it is in the program's file
    autoHideMenuBar: true,
    backgroundColor: nativeTheme.shouldUseDarkColors ? BACKGROUND.dark : BACKGROUND.light,
    webPreferences: {
      preload: join(distDir, 'preload.cjs'),
      additionalArguments: [VERSION_ARGUMENT + app.getVersion()],
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      webviewTag: false,
      spellcheck: false,
      navigateOnDragDrop: false,
      // A hidden window keeps up with its sessions, so that it never falls back to a snapshot.
      backgroundThrottling: false,
    },
  });
  if (place.isMaximized) window.maximize();
  window.once('ready-to-show', () => window.show());
  // The page names its window; its own document title would overwrite that.
  window.on('page-title-updated', (event) => event.preventDefault());
  followPage(window);
  rememberPlace(window);
  reloadAfterCrash(window);
  void window.loadURL(APP_PAGE);
  return window;
}

export function focusWindow(): void {
  const window = BrowserWindow.getAllWindows()[0];
  if (!window) return;
  if (window.isMinimized()) window.restore();
  window.show();
  window.focus();
}

function rememberPlace(window: BrowserWindow): void {
  let timer: NodeJS.Timeout | undefined;
  const write = () => {
    clearTimeout(timer);
    const place: Place = { bounds: window.getNormalBounds(), isMaximized: window.isMaximized() };
    writeJsonFile(placeFile(), place);
  };
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(write, REST_MS);
  };
  for (const event of ['resize', 'move', 'maximize', 'unmaximize'] as const) window.on(event as 'resize', later);
  window.on('close', write);
}

/** Sessions live in the host: a crashed page costs its picture, which the next one gets back. */
function reloadAfterCrash(window: BrowserWindow): void {
  let lastCrashAt = Number.NEGATIVE_INFINITY;
  window.webContents.on('render-process-gone', (_event, { reason }) => {
    if (reason === 'clean-exit') return;
    process.stderr.write(`cmdop: the window's page ended (${reason}) and is loaded again; sessions keep running\n`);
    const isLoop = performance.now() - lastCrashAt < CRASH_LOOP_MS;
    lastCrashAt = performance.now();
    if (isLoop) {
      dialog.showErrorBox(
        'The cmdop window keeps crashing',
        `Its page ended twice (${reason}). Your sessions keep running: use \`cmdop attach\`.`,
      );
      window.destroy();
      return;
    }
    window.webContents.reload();
    void dialog.showMessageBox(window, {
      type: 'warning',
      message: 'The window crashed and was loaded again.',
      detail: `Reason: ${reason}. Your sessions kept running.`,
    });
  });
}

/** False for a place on a screen that is no longer connected. */
function isOnAScreen(bounds: Rectangle): boolean {
  const { workArea } = screen.getDisplayMatching(bounds);
  const width = Math.min(bounds.x + bounds.width, workArea.x + workArea.width) - Math.max(bounds.x, workArea.x);
  const height = Math.min(bounds.y + bounds.height, workArea.y + workArea.height) - Math.max(bounds.y, workArea.y);
  return width > 100 && height > 50;
}

const placeFile = () => join(app.getPath('userData'), 'window.json');
