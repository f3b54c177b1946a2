/** The fixtures' pixels, as Chromium shows them: what other tests compare uploads with. */
import { expect, it } from 'vitest';
import { describeBrowser } from '../support/chromium.ts';
import { type FixtureName, fixture, quadrantCentres, quadrants, sameColour } from '../support/fixtures.ts';

describeBrowser('fixtures in Chromium', (browser) => {
  it.each(['camera.jpg', 'quadrants.png', 'quadrants.webp', 'clip.mp4'] satisfies FixtureName[])(
    '%s shows the four quadrants the right way up',
    async (name) => {
      const { bytes, contentType, shown } = fixture(name);
      const page = await browser().newPage();
      const centres = quadrantCentres(shown ?? { width: 0, height: 0 });
      const seen = await page.evaluate(
        async ({ url, video, points }) => {
          const element = document.createElement(video ? 'video' : 'img');
          element.src = url;
          if (element instanceof HTMLVideoElement) {
            element.muted = true;
            const frame = new Promise((resolve) => element.requestVideoFrameCallback(resolve));
            await element.play();
            await frame;
          } else await element.decode();
          const width = element instanceof HTMLVideoElement ? element.videoWidth : element.naturalWidth;
          const height = element instanceof HTMLVideoElement ? element.videoHeight : element.naturalHeight;
          const context = new OffscreenCanvas(width, height).getContext('2d');
          context?.drawImage(element, 0, 0);
          return {
            width,
            height,
            colours: points.map(([x = 0, y = 0]) => [...(context?.getImageData(x, y, 1, 1).data ?? [])]),
          };
        },
        {
          url: `data:${contentType};base64,${Buffer.from(bytes).toString('base64')}`,
          video: contentType.startsWith('video/'),
          points: Object.values(centres),
        },
      );
      await page.close();
      expect({ width: seen.width, height: seen.height }).toEqual(shown);
      Object.keys(centres).forEach((corner, index) => {
        const wanted = quadrants[corner as keyof typeof quadrants];
        expect(sameColour(seen.colours[index] ?? [], wanted), `${corner}: ${seen.colours[index]}`).toBe(true);
      });
    },
  );
});
