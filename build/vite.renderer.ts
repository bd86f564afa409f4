/** How the page is built: the same files for the desktop app and for the browser. */
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import type { InlineConfig } from 'vite';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');

export function rendererConfig(): InlineConfig {
  return {
    root: join(root, 'renderer'),
    base: './',
    plugins: [react()],
    build: { outDir: join(root, 'dist', 'renderer'), target: 'chrome120', assetsInlineLimit: 0 },
  };
}
