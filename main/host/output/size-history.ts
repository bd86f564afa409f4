/** The sizes a session's terminal had, each from its offset on: what a replay of the output must follow. */
import type { Offset } from '#protocol/ids.ts';
import type { Size } from '#protocol/shapes.ts';

export type Resize = { readonly offset: Offset; readonly size: Size };

export class SizeHistory {
  readonly #resizes: Resize[];

  /** In order; the first is the size it began with. */
  constructor(resizes: Resize[]) {
    this.#resizes = resizes;
  }

  get length(): number {
    return this.#resizes.length;
  }
  get current(): Size {
    return this.#resizes.at(-1)?.size ?? { cols: 80, rows: 24 };
  }

  add(resize: Resize): void {
    this.#resizes.push(resize);
  }

  /** Undefined after the last one. */
  get(index: number): Resize | undefined {
    return this.#resizes[index];
  }

  sizeAt(offset: Offset): Size {
    return this.#resizes.findLast((resize) => resize.offset <= offset)?.size ?? this.#resizes[0]?.size ?? this.current;
  }

  /** Index of the first change after `offset`; `length` if there is none. */
  indexAfter(offset: Offset): number {
    return this.#indexOr(this.#resizes.findIndex((resize) => resize.offset > offset));
  }

  /** Index of the first change at or after `offset` for a screen that has `size` there; `length` if there is none. */
  indexFrom(offset: Offset, size: Size): number {
    return this.#indexOr(this.#resizes.findIndex((resize) => resize.offset >= offset && !same(resize.size, size)));
  }

  #indexOr(index: number): number {
    return index < 0 ? this.length : index;
  }
}

const same = (a: Size, b: Size) => a.cols === b.cols && a.rows === b.rows;
