/** Takes a picture of every open page when a test fails, into test-results/. */
import { afterEach } from 'vitest';
import { openPages, takePicture } from './launch.ts';

afterEach(async ({ task }) => {
  if (task.result?.state !== 'fail') return;
  const name = task.name.replaceAll(/[^\p{L}\p{N}]+/gu, '-').slice(0, 60);
  await Promise.allSettled([...openPages].map((page, index) => takePicture(page, `failed-${name}-${index + 1}`)));
});
