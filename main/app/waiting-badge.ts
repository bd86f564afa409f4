/** How many wait for a person, where it is seen with the window closed: on the dock or launcher, and as a dot on Windows' taskbar. */
import { app, BrowserWindow, type NativeImage, nativeImage } from 'electron';

/** Of the dot, pixels. */
const SIZE = 16;
const BLUE_GREEN_RED = [0x1f, 0x8a, 0xf5];

let dot: NativeImage | null = null;

export function showWaiting(count: number): void {
  app.setBadgeCount(count);
  if (process.platform !== 'win32') return;
  dot ??= nativeImage.createFromBitmap(disc(), { width: SIZE, height: SIZE });
  const words = count === 1 ? 'One waits for you' : `${count} wait for you`;
  for (const window of BrowserWindow.getAllWindows()) window.setOverlayIcon(count > 0 ? dot : null, count > 0 ? words : '');
}

function disc(): Buffer {
  const pixels = Buffer.alloc(SIZE * SIZE * 4);
  for (let at = 0; at < SIZE * SIZE; at++) {
    const [x, y] = [(at % SIZE) - (SIZE - 1) / 2, Math.floor(at / SIZE) - (SIZE - 1) / 2];
    if (Math.hypot(x, y) <= SIZE / 2) pixels.set([...BLUE_GREEN_RED, 0xff], at * 4);
  }
  return pixels;
}
