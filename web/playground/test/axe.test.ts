import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectAccessible } from './accessible.js';
import { ask, choose, ended, lastAnswer, Playground, saidMore } from './playground.js';
import { Upstream } from './upstream.js';

let upstream: Upstream;
let playground: Playground;
beforeAll(async () => {
  upstream = await Upstream.start({
    rich: { reasoning: 'Hm.', text: '# Title\n\nText with `code`, [a link](https://example.com) and $x^2$.\n\n```js\nconst a = "b"; // c\nfunction f() { return 42; }\n```\n\n> Quote\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n- [ ] open\n', tool: { name: 'look_up', arguments: '{"a":1}' }, size: 40, pace: 1 },
  });
  playground = await Playground.open({ 'Storage:Kind': 'memory', ...upstream.settings });
});
afterAll(async () => {
  await playground?.dispose();
  upstream?.dispose();
});

for (const colorScheme of ['light', 'dark'] as const) {
  for (const [device, viewport] of [['desk', { width: 1280, height: 820 }], ['phone', { width: 390, height: 780 }]] as const) {
    test(`axe finds nothing: ${colorScheme}, ${device}`, async () => {
      const page = await playground.show('', await playground.device({ colorScheme, viewport, hasTouch: device === 'phone' }));
      await expectAccessible(page, 'empty');
      await page.locator('.model-button').click();
      await expectAccessible(page, 'models');
      const { x, width } = (await page.locator('.popover').boundingBox())!;
      expect(x, 'the list is on the screen').toBeGreaterThanOrEqual(0);
      expect(x + width).toBeLessThanOrEqual(viewport.width);
      await page.keyboard.press('Escape');
      await choose(page, 'simulated/chat?tps=20');
      await ask(page, 'Slowly, please.');
      await saidMore(lastAnswer(page), 10);
      await expectAccessible(page, 'streaming');
      await page.keyboard.press('Escape');
      await ended(lastAnswer(page), 'stopped');
      await choose(page, 'script/rich');
      await ask(page, 'All of it.');
      await ended(lastAnswer(page));
      await lastAnswer(page).locator('.katex').waitFor();
      await lastAnswer(page).locator('.hl-keyword').first().waitFor();
      await lastAnswer(page).locator('summary').click();
      await expectAccessible(page, 'an answer');
      await choose(page, 'simulated/chat?status=400');
      await ask(page, 'Fail.');
      await ended(lastAnswer(page), 'error');
      await expectAccessible(page, 'an error');
      await page.keyboard.press('Alt+p');
      await page.getByRole('textbox', { name: 'System prompt' }).waitFor();
      await expectAccessible(page, 'parameters');
      await page.keyboard.press('Alt+p');
      await page.locator('#question').blur();
      await page.keyboard.press('?');
      await page.locator('dialog[open]').waitFor();
      await expectAccessible(page, 'help');
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      expect(overflow, 'nothing stands out at the side').toBeLessThanOrEqual(0);
      expect(playground.strangers).toEqual([]);
      await page.context().close();
    });
  }
}

for (const [colorScheme, viewport] of [['light', { width: 1280, height: 820 }], ['dark', { width: 390, height: 780 }]] as const) {
  test(`axe finds nothing in the instruments beside a chat: ${colorScheme}, ${viewport.width} wide`, async () => {
    const page = await playground.show('', await playground.device({ colorScheme, viewport }));
    await choose(page, 'simulated/chat?tps=200&tokens=60');
    await ask(page, 'Tell me about sight.');
    await ended(lastAnswer(page));
    for (const [title, ready] of [['Prove it', '.verdict.good'], ['Inspector', '.events tbody tr'], ['Protocol lens', '.lens-frames tbody tr'], ['Copy as code', '.copy-as .hl-string'], ['Share', '.share .primary']] as const) {
      await page.getByRole('button', { name: title }).click();
      await page.locator(ready).first().waitFor();
      await expectAccessible(page, title);
      await page.getByRole('complementary', { name: title }).getByRole('button', { name: 'Close' }).click();
    }
    await page.context().close();
  });
}
