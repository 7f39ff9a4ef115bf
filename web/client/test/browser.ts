import { createServer, type Server as HttpServer } from 'node:http';
import { once } from 'node:events';
import { readFileSync, mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { build } from 'vite';

const types: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript' };

/** Debian's Chromium, and the page of test/page on a server of its own. */
export class BrowserPage {
  private constructor(readonly browser: Browser, private readonly files: HttpServer, private readonly folder: string) {}

  static async open(): Promise<BrowserPage> {
    const folder = mkdtempSync(join(tmpdir(), 'penstock-page-'));
    await build({ root: fileURLToPath(new URL('page', import.meta.url)), configFile: false, logLevel: 'error', build: { outDir: folder, emptyOutDir: true } });
    const files = createServer((request, response) => {
      try {
        const name = normalize(new URL(request.url!, 'http://x').pathname);
        const path = join(folder, name === '/' ? 'index.html' : name);
        const content = readFileSync(path);
        response.writeHead(200, { 'Content-Type': types[extname(path)] ?? 'application/octet-stream' }).end(content);
      } catch {
        response.writeHead(404).end();
      }
    });
    files.listen(0, '127.0.0.1');
    await once(files, 'listening');
    const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-dev-shm-usage'] });
    return new BrowserPage(browser, files, folder);
  }

  url(query: Record<string, string>): string {
    return `http://127.0.0.1:${(this.files.address() as AddressInfo).port}/?${new URLSearchParams(query)}`;
  }

  async show(query: Record<string, string>, context?: BrowserContext): Promise<Page> {
    const page = await (context ?? (await this.browser.newContext())).newPage();
    await page.goto(this.url(query));
    return page;
  }

  async dispose(): Promise<void> {
    await this.browser.close();
    this.files.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export interface Seen { renders: number; texts: string[]; states: string[] }

export function seen(page: Page): Promise<Seen> {
  return page.evaluate(() => (window as unknown as { seen: Seen }).seen);
}

export async function status(page: Page, wanted: string, timeout = 30_000): Promise<void> {
  await page.waitForFunction(s => document.getElementById('status')?.textContent === s, wanted, { timeout });
}
