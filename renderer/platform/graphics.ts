/** Whether a graphics card draws this page. */

let hasCard: boolean | undefined;

/**
 * False where WebGL is drawn by the processor, as in virtual machines and over remote desktops: a full-colour flood then
 * costs a terminal's WebGL ten times what its DOM takes, and the window a quarter of its frames.
 */
export function hasGraphicsCard(): boolean {
  hasCard ??= asked();
  return hasCard;
}

function asked(): boolean {
  const context = document.createElement('canvas').getContext('webgl2', { failIfMajorPerformanceCaveat: true });
  context?.getExtension('WEBGL_lose_context')?.loseContext(); // browsers hold few
  return context !== null;
}
