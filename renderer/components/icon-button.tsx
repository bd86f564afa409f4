/** A button that is only a picture: its hint says what it does, and which key does the same. */
import type { ComponentProps, ReactNode } from 'react';
import { Hint } from './hint.tsx';

type IconButtonProps = Omit<ComponentProps<'button'>, 'type' | 'aria-label' | 'title'> & {
  /** What it is called, for those who do not see the picture. */
  label: string;
  /** What its hint says, where that is not its name. */
  hint?: ReactNode;
  /** The command that does the same: its key is shown. */
  command?: string;
};

export function IconButton({ label, hint = label, command, className, ...button }: IconButtonProps) {
  return (
    <Hint label={hint} {...(command === undefined ? {} : { command })}>
      <button {...button} type="button" className={className ? `icon-button ${className}` : 'icon-button'} aria-label={label} />
    </Hint>
  );
}
