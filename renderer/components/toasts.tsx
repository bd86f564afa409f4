/** Short sentences at the window's corner: what happened, and errors in the words of whoever reported them. */
import { X } from 'lucide-react';
import { dismissToast, useApp } from '../state/store.ts';
import { IconButton } from './icon-button.tsx';

export function Toasts() {
  const toasts = useApp((state) => state.toasts);
  return (
    <div className="toasts" aria-live="polite">
      {toasts.map(({ id, tone, text }) => (
        <div key={id} className={`toast ${tone}`} role={tone === 'error' ? 'alert' : 'status'} data-testid="toast">
          <p>{text}</p>
          <IconButton label="Dismiss" onClick={() => dismissToast(id)}>
            <X size={14} />
          </IconButton>
        </div>
      ))}
    </div>
  );
}
