import { readdirSync, readFileSync, statSync } from 'node:fs';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Playground } from './playground.js';

const here = fileURLToPath(new URL('..', import.meta.url));

let playground: Playground;
beforeAll(async () => { playground = await Playground.open({ 'Storage:Kind': 'memory' }); });
afterAll(() => playground?.dispose());

test('the sources hold to strict TypeScript', async () => {
  await promisify(execFile)(join(here, 'node_modules/typescript/bin/tsc'), ['-p', 'tsconfig.json'], { cwd: here }).catch((error: { stdout: string }) => expect.unreachable(error.stdout));
});

test('the page paints within a second of a cold start, loads under 120 kB of script, and asks no other host', async () => {
  let best = Infinity;
  let scripts: Promise<number>[] = [];
  for (let i = 0; i < 12 && best >= 1000; i++) {
    const context = await playground.device(); // its cache is empty
    const page = await context.newPage();
    scripts = [];
    page.on('response', response => { if (response.request().resourceType() === 'script') scripts.push(response.body().then(body => gzipSync(body).length)); });
    await page.goto(playground.server.url);
    await page.locator('.empty h1').waitFor();
    const paint = await page.evaluate(() => new Promise<number>(resolve => new PerformanceObserver(list => resolve(list.getEntries()[0]!.startTime)).observe({ type: 'largest-contentful-paint', buffered: true })));
    best = Math.min(best, paint);
    await Promise.all(scripts);
    await context.close();
  }
  const script = (await Promise.all(scripts)).reduce((sum, size) => sum + size, 0);
  console.log(`Painted after ${Math.round(best)} ms, with ${script} bytes of script.`);
  expect(best).toBeLessThan(1000);
  expect(script).toBeGreaterThan(10_000);
  expect(script).toBeLessThan(120_000);
  playground.expectNothingBad();
});

test('all of its script is under 250 kB, compressed', () => {
  const assets = join(here, '../../artifacts/playground/assets');
  const scripts = readdirSync(assets).filter(name => name.endsWith('.js'));
  expect(scripts.length).toBeGreaterThan(2);
  const total = scripts.reduce((sum, name) => sum + gzipSync(readFileSync(join(assets, name)), { level: 9 }).length, 0);
  expect(total).toBeLessThan(250_000);
  for (const name of scripts.filter(n => statSync(join(assets, n)).size > 1024)) expect(statSync(join(assets, `${name}.gz`)).size).toBeGreaterThan(0);
});

test('nothing of it is inline, nothing else may run, and what has a hash in its name is kept', async () => {
  const reply = await fetch(playground.server.url);
  const html = await reply.text();
  const policy = reply.headers.get('Content-Security-Policy')!;
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("script-src 'self'");
  expect(policy).not.toContain('unsafe');
  expect(html).not.toMatch(/<script(?![^>]*src=)|<style|\son\w+=|style=/);
  expect(reply.headers.get('Cache-Control')).toBe('no-cache');
  const again = await fetch(playground.server.url, { headers: { 'If-None-Match': reply.headers.get('ETag')! } });
  expect(again.status).toBe(304);
  for (const [, address] of html.matchAll(/(?:src|href)="(\.\/[^"]+)"/g)) {
    const asset = await fetch(new URL(address!, `${playground.server.url}/`));
    expect(asset.status, address).toBe(200);
    expect(asset.headers.get('Cache-Control')).toBe(address!.includes('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache');
    // A few hundred bytes are as large packed.
    if (address!.includes('/assets/') && (await asset.text()).length > 1024) expect(asset.headers.get('Content-Encoding') ?? 'none').toMatch(/^(?:br|gzip)$/);
  }
});
