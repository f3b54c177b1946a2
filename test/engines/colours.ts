/** Reads colours from a screenshot, because it shows what the user sees. */
import type { EnginePage } from '../support/engines/engine.ts';
import { quadrantCentres, quadrants, sameColour } from '../support/fixtures.ts';

/** The corners of the image with a wrong colour. @param image where it is in the viewport, in pixels */
export async function findWrongCorners(
  page: EnginePage,
  image: { x: number; y: number; width: number; height: number },
): Promise<string[]> {
  const centres = Object.entries(quadrantCentres(image)) as [keyof typeof quadrants, [number, number]][];
  const points = centres.map(([, [x, y]]) => [image.x + x, image.y + y] as const);
  const colours = await readColours(page, points);
  return centres.flatMap(([corner], index) => (sameColour(colours[index] ?? [], quadrants[corner]) ? [] : [corner]));
}

/** The page decodes its own screenshot, so its content security policy must not forbid `createImageBitmap`. */
async function readColours(page: EnginePage, points: readonly (readonly [number, number])[]): Promise<number[][]> {
  const png = (await page.screenshot()).toString('base64');
  return page.evaluate(
    async ([text, at]) => {
      const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
      const bitmap = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
      const canvas = Object.assign(document.createElement('canvas'), { width: bitmap.width, height: bitmap.height });
      const context = canvas.getContext('2d') as CanvasRenderingContext2D;
      context.drawImage(bitmap, 0, 0);
      return at.map(([x, y]) => [...context.getImageData(Math.round(x), Math.round(y), 1, 1).data]);
    },
    [png, points] as const,
  );
}
