/** A place that takes files which are dropped on it, and shows that it would. */
import { type DragEvent, useRef, useState } from 'react';
import { hasFiles } from '../state/dropped-files.ts';

type DropProps = {
  'data-dropping': boolean | undefined;
  onDragEnter(event: DragEvent): void;
  onDragOver(event: DragEvent): void;
  onDragLeave(event: DragEvent): void;
  onDrop(event: DragEvent): void;
};

export function useDrop(dropped: (transfer: DataTransfer) => void): DropProps {
  const [isOver, setIsOver] = useState(false);
  /** Every element inside is entered and left as well. */
  const depth = useRef(0);
  const count = (by: 1 | -1) => {
    depth.current = Math.max(0, depth.current + by);
    setIsOver(depth.current > 0);
  };
  return {
    'data-dropping': isOver || undefined,
    onDragEnter: (event) => hasFiles(event.dataTransfer) && count(1),
    onDragLeave: (event) => hasFiles(event.dataTransfer) && count(-1),
    onDragOver: (event) => {
      if (!hasFiles(event.dataTransfer)) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = 'copy';
    },
    onDrop: (event) => {
      depth.current = 0;
      setIsOver(false);
      if (!hasFiles(event.dataTransfer)) return;
      event.preventDefault();
      event.stopPropagation();
      dropped(event.dataTransfer);
    },
  };
}
