import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** axe finds nothing. */
export async function expectAccessible(page: Page, what: string): Promise<void> {
  await page.evaluate(axe); // as the tools of a developer would, past the page's policy
  const violations = await page.evaluate(async () => {
    const { violations } = await (window as unknown as { axe: { run(): Promise<{ violations: { id: string; nodes: { html: string; failureSummary: string }[] }[] }> } }).axe.run();
    return violations.map(v => `${v.id}: ${v.nodes.map(n => `${n.html.slice(0, 160)} ${n.failureSummary}`).join(' | ')}`);
  });
  expect(violations, what).toEqual([]);
}
