import type { BrowserContext, Page } from 'playwright-core';
import { ask, choose, ended, lastAnswer, Playground, saidMore } from './playground.js';
import { Upstream } from './upstream.js';

const answer = `## How a river finds the sea

Water follows the **steepest way down**, and carves it deeper as it goes. Three forces decide where:

1. *Gravity*, which never sleeps
2. *Rock*, which gives way at different speeds
3. *Sediment*, dropped wherever the water slows

Its speed is well told by Manning's formula:

$$
v = \\frac{1}{n} R^{2/3} \\sqrt{S}
$$

where $R$ is the hydraulic radius and $S$ the slope. In code:

\`\`\`python
def velocity(n: float, radius: float, slope: float) -> float:
    """Metres a second, by Manning's formula."""
    return radius ** (2 / 3) * slope ** 0.5 / n  # n: how rough the bed is

print(f"{velocity(0.03, 2.0, 0.001):.2f} m/s")
\`\`\`

| Part | Slope | What it does |
|---|---:|---|
| Upper | 1–10 % | cuts |
| Middle | 0.1–1 % | winds |
| Lower | < 0.1 % | lays down |

> A river is never the same twice, and neither is the one who steps into it.
`;

const instruments = [['Prove it', '.verdict.good'], ['Inspector', '.events tbody tr'], ['Protocol lens', '.lens-frames tbody tr'], ['Copy as code', '.copy-as .hl-string'], ['Share', '.share button.primary']] as const;

/** What is there while an answer is written: cut, watched, shared, among others. */
async function showRunning(page: Page, other: BrowserContext, show: (page: Page, state: string) => Promise<unknown>): Promise<void> {
  const open = async (title: string) => {
    await page.goto(page.url().replace(/\?.*/, ''));
    await page.getByRole('button', { name: title, exact: true }).click();
  };
  await page.goto(page.url().replace(/#.*/, '#/'));
  await choose(page, 'simulated/chat?tps=30&tokens=5000');
  await ask(page, 'How do I see it survive?');
  await saidMore(lastAnswer(page), 80);
  await open('Share');
  await page.getByRole('button', { name: 'Make the link' }).click();
  await page.waitForTimeout(200);
  await show(page, 'share-made');
  const shared = await other.newPage();
  await shared.goto(await page.getByRole('textbox', { name: 'Link for reading' }).inputValue());
  await saidMore(lastAnswer(shared), 80);
  await show(shared, 'shared');
  await open('Prove it');
  await page.getByRole('button', { name: 'Cut my connection' }).click();
  await page.waitForTimeout(1500);
  await show(page, 'prove-running');
  await open('Inspector');
  await page.locator('.watchers li').first().waitFor();
  await page.waitForTimeout(1200);
  await show(page, 'inspector-running');
  await page.goto(page.url().replace(/#.*/, '#/compare'));
  for (const [i, model] of ['either', 'simulated/chat?status=400'].entries()) await page.getByLabel(`Model ${i + 1}`, { exact: true }).fill(model);
  await page.getByRole('textbox', { name: 'Prompt' }).fill('Why is water wet?');
  await page.getByRole('button', { name: 'Compare', exact: true }).click();
  await page.waitForTimeout(2500);
  await show(page, 'compare');
  await page.goto(page.url().replace(/#.*/, '#/live'));
  await page.waitForTimeout(4500);
  await show(page, 'live');
  await page.locator('.live button', { hasText: 'Stop' }).first().click();
  await other.close();
  await page.goto(page.url().replace(/#.*/, '#/'));
}

/** Leads the page through its states, and shows each to who wants it. */
export async function takePictures(show: (page: Page, name: string) => Promise<unknown>): Promise<void> {
  const upstream = await Upstream.start({ 'river-1': { reasoning: 'Gravity first, then rock. ', text: answer, size: 4, pace: 12 }, caller: { text: 'Let me look that up.', tool: { name: 'get_weather', arguments: '{"city":"Paris","days":3}' } } });
  const targets = { 'Models:either:Targets:0': 'simulated/chat?status=500', 'Models:either:Targets:1': 'simulated/chat', 'Retry:MaxRetries': '0' };
  const playground = await Playground.open({ 'Generations:OnCrash': 'continue', ...targets, ...upstream.settings }, { looped: true });
  const guarded = await Playground.open({ 'Storage:Kind': 'memory', 'Auth:Keys:0123456789ab:Hash': '0'.repeat(64) });
  try {
    for (const colorScheme of ['light', 'dark'] as const) {
      for (const [device, viewport] of [['desk', { width: 1280, height: 820 }], ['phone', { width: 390, height: 780 }]] as const) {
        const name = (state: string) => `${state}-${device}-${colorScheme}`;
        const options = { colorScheme, viewport, deviceScaleFactor: device === 'phone' ? 2 : 1, hasTouch: device === 'phone' };
        const page = await playground.show('', await playground.device(options));
        await page.locator('.prompts').waitFor();
        await show(page, name('empty'));
        await choose(page, 'script/river-1');
        await ask(page, 'How does a river find its way to the sea?');
        await saidMore(lastAnswer(page), 420);
        await show(page, name('streaming'));
        await ended(lastAnswer(page));
        await lastAnswer(page).locator('.hl-keyword').first().waitFor();
        await page.waitForTimeout(200);
        await show(page, name('answer'));
        for (const [title, ready] of instruments) {
          await page.getByRole('button', { name: title, exact: true }).click();
          await page.locator(ready).first().waitFor();
          await page.waitForTimeout(200);
          await show(page, name(title.toLowerCase().replaceAll(' ', '-')));
          await page.getByRole('complementary', { name: title }).getByRole('button', { name: 'Close' }).click();
        }
        await page.keyboard.press('Alt+p');
        await page.waitForTimeout(100);
        await show(page, name('parameters'));
        await page.keyboard.press('Alt+p');
        await choose(page, 'script/caller');
        await ask(page, 'And the weather there?');
        await ended(lastAnswer(page));
        await choose(page, 'simulated/chat?error=40&tps=0');
        await ask(page, 'And if it fails?');
        await ended(lastAnswer(page), 'error');
        await page.waitForTimeout(100);
        await show(page, name('error'));
        await page.locator('.model-button').click();
        await page.waitForTimeout(100);
        await show(page, name('models'));
        await page.keyboard.press('Escape');
        if (device === 'phone') {
          await page.getByRole('button', { name: 'List of chats' }).click();
          await page.waitForTimeout(300);
          await show(page, name('list'));
        } else {
          await page.locator('.scroller').focus();
          await page.keyboard.press('?');
          await show(page, name('help'));
        }
        await page.keyboard.press('Escape');
        await showRunning(page, await playground.device(options), async (shown, state) => show(shown, name(state)));
        if (device === 'desk') {
          // Killed in mid-answer, and started again.
          await page.keyboard.press('Escape');
          await page.keyboard.press('Alt+n');
          await choose(page, 'simulated/chat?tps=40');
          await ask(page, 'Why does a river wind?');
          await saidMore(lastAnswer(page), 500);
          await playground.server.end('SIGKILL');
          await page.locator('.note.reconnecting').waitFor();
          await page.waitForTimeout(100);
          await show(page, name('killed'));
          await playground.server.launch();
          await ended(lastAnswer(page));
          await page.waitForTimeout(200);
          await show(page, name('recovered'));
        }
        await page.context().close();
        if (device === 'desk') {
          const asked = await guarded.show('', await guarded.device(options));
          await asked.getByText('This server asks for a key.').waitFor();
          await show(asked, name('key'));
        }
      }
    }
  } finally {
    await playground.dispose();
    await guarded.dispose();
    upstream.dispose();
  }
}
