/** A tooltip with a label and, where there is one, the key that does the same. */
import { Tooltip } from 'radix-ui';
import type { ReactNode } from 'react';
import { keyText } from '../state/commands.ts';

export function Hint({
  label,
  command,
  side,
  children,
}: {
  label: ReactNode;
  command?: string;
  side?: 'top' | 'right' | 'bottom' | 'left';
  children: ReactNode;
}) {
  const key = command ? keyText(command) : null;
  return (
    <Tooltip.Root>
      <Tooltip.Trigger asChild>{children}</Tooltip.Trigger>
      <Tooltip.Portal>
        <Tooltip.Content className="hint" side={side ?? 'bottom'} sideOffset={6} collisionPadding={8}>
          {label}
          {key && <Keys text={key} />}
        </Tooltip.Content>
      </Tooltip.Portal>
    </Tooltip.Root>
  );
}

export function Keys({ text }: { text: string }) {
  return <kbd className="keys">{text}</kbd>;
}
