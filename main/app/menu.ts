/** The application menu: the page's commands, where a menu is looked for. */
import { app, Menu, type MenuItemConstructorOptions } from 'electron';
import type { MenuCommand } from '../../preload/api.ts';
import { tellPage } from './page-events.ts';

const isMac = process.platform === 'darwin';

export function installMenu(): void {
  Menu.setApplicationMenu(Menu.buildFromTemplate(template()));
}

function template(): MenuItemConstructorOptions[] {
  const session: MenuItemConstructorOptions = {
    label: 'Session',
    submenu: [
      command('New session', 'new-session', 'T'),
      { label: 'Add host…', click: send('add-host') },
      { label: 'Join…', click: send('join') },
      command('Close tab', 'close-tab', 'W'),
      { type: 'separator' },
      command('Command palette', 'palette', 'P', 'Shift+'),
      ...(isMac ? [] : [{ type: 'separator' } as const, { role: 'quit', ...shown('Ctrl+Shift+Q') } as const]),
    ],
  };
  const edit: MenuItemConstructorOptions = {
    label: 'Edit',
    submenu: [
      { role: 'copy', ...shown('Ctrl+Shift+C') },
      { role: 'paste', ...shown('Ctrl+Shift+V') },
      { role: 'selectAll', ...(isMac ? {} : { accelerator: '', registerAccelerator: false }) },
      { type: 'separator' },
      command('Find', 'find', 'F'),
    ],
  };
  const view: MenuItemConstructorOptions = {
    label: 'View',
    submenu: [
      command('Sidebar', 'toggle-sidebar', 'B'),
      command('Actors', 'toggle-actors', 'A'),
      command('History', 'toggle-history', 'H'),
      command('Approvals', 'toggle-approvals', 'L'),
      command('Files', 'toggle-files', 'E'),
      command('Ports', 'toggle-ports', 'O'),
      { label: 'Processes', click: send('toggle-processes') },
      { type: 'separator' },
      { label: 'Next tab', accelerator: 'Ctrl+Tab', registerAccelerator: isMac, click: send('next-tab') },
      { label: 'Previous tab', accelerator: 'Ctrl+Shift+Tab', registerAccelerator: isMac, click: send('previous-tab') },
      { type: 'separator' },
      { label: 'Larger text', accelerator: 'CmdOrCtrl+=', registerAccelerator: isMac, click: send('zoom-in') },
      { label: 'Smaller text', accelerator: 'CmdOrCtrl+-', registerAccelerator: isMac, click: send('zoom-out') },
      { label: 'Normal text', accelerator: 'CmdOrCtrl+0', registerAccelerator: isMac, click: send('zoom-reset') },
      { type: 'separator' },
      { role: 'togglefullscreen' },
      ...(app.isPackaged ? [] : [{ role: 'toggleDevTools', ...(isMac ? {} : { registerAccelerator: false }) } as const]),
    ],
  };
  const agents: MenuItemConstructorOptions = {
    label: 'Agents',
    submenu: [command('Pause all agents', 'pause-agents', 'X'), { type: 'separator' }, { label: 'Policy…', click: send('policy') }],
  };
  return isMac ? [{ role: 'appMenu' }, session, edit, view, agents, { role: 'windowMenu' }] : [session, edit, view, agents];
}

/**
 * On macOS, Cmd is free in a terminal and the menu owns the keys. Elsewhere Ctrl belongs to the programs: the page
 * decides about every key, and the menu only shows them.
 */
function command(label: string, name: MenuCommand, key: string, macModifier = ''): MenuItemConstructorOptions {
  return {
    label,
    accelerator: isMac ? `Cmd+${macModifier}${key}` : `Ctrl+Shift+${key}`,
    registerAccelerator: isMac,
    click: send(name),
  };
}

/** A role's own accelerator is kept on macOS; elsewhere Ctrl+C must reach the program, so another one is shown. */
function shown(accelerator: string): { accelerator?: string; registerAccelerator?: boolean } {
  return isMac ? {} : { accelerator, registerAccelerator: false };
}

function send(name: MenuCommand): () => void {
  return () => tellPage({ is: 'menu', command: name });
}
