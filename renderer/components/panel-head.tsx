/** The head of a panel: its title, and its end. */
import { X } from 'lucide-react';
import type { ReactNode } from 'react';
import type { Preferences } from '../../preload/api.ts';
import { togglePanel } from '../state/actions.ts';
import { IconButton } from './icon-button.tsx';

export function PanelHead({ title, panel, children }: { title: string; panel: NonNullable<Preferences['panel']>; children?: ReactNode }) {
  return (
    <header className="panel-head">
      <h2>{title}</h2>
      {children}
      <IconButton label={`Close ${title.toLowerCase()}`} onClick={() => togglePanel(panel)}>
        <X size={15} />
      </IconButton>
    </header>
  );
}
