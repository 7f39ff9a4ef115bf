import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { chromium, type Browser, type BrowserContext, type BrowserContextOptions, type Locator, type Page } from 'playwright-core';
import { expect } from 'vitest';
import { Server, until } from '../../client/test/server.js';

/** The page in Debian's Chromium, from a real server. What the page must never do fails whoever looks: an error, a request to another host. */
export class Playground {
  /** What the page has complained of. */
  readonly complaints: string[] = [];
  /** What it asked for at other hosts. */
  readonly strangers: string[] = [];

  private constructor(readonly server: Server, readonly browser: Browser) {}

  static async open(settings: Record<string, string> = {}, options: { looped?: boolean } = {}): Promise<Playground> {
    const server = await Server.start(settings, options);
    const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-background-networking'] });
    return new Playground(server, browser);
  }

  /** A browser of its own: another device, another person. */
  async device(options: BrowserContextOptions = {}): Promise<BrowserContext> {
    const context = await this.browser.newContext({ viewport: { width: 1280, height: 820 }, reducedMotion: 'reduce', ...options });
    if (process.env.PENSTOCK_PAGE) await replacePage(context, process.env.PENSTOCK_PAGE);
    context.on('request', request => {
      const { protocol, host } = new URL(request.url());
      if (protocol !== 'data:' && protocol !== 'blob:' && host !== new URL(this.server.url).host && !this.known.has(host)) this.strangers.push(request.url());
    });
    context.on('weberror', error => this.complaints.push(String(error.error().stack)));
    context.on('console', message => {
      // A request that failed is the test's doing.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) this.complaints.push(message.text());
    });
    return context;
  }

  /** Hosts that a test has put before the server. */
  readonly known = new Set<string>();

  async show(address = '', context?: BrowserContext, base = this.server.url): Promise<Page> {
    const page = await (context ?? (await this.device())).newPage();
    await page.goto(`${base}/${address}`);
    await page.locator('.page').waitFor();
    return page;
  }

  expectNothingBad(): void {
    expect(this.complaints).toEqual([]);
    expect(this.strangers).toEqual([]);
  }

  async dispose(): Promise<void> {
    await this.browser.close();
    await this.server.dispose();
  }
}

/** A key as the server makes it, and the settings that let it in. */
export function newKey(...args: string[]): { secret: string; settings: Record<string, string> } {
  const dll = process.env.PENSTOCK_SERVER ?? new URL('../../../artifacts/bin/Penstock.Server/release/Penstock.Server.dll', import.meta.url).pathname;
  const said = execFileSync('dotnet', [dll, 'keys', 'create', ...args, '--config'], { encoding: 'utf8' });
  const settings = Object.fromEntries([...said.matchAll(/^Penstock__(.+?)=(.+)$/gm)].map(([, name, value]) => [name!.replaceAll('__', ':'), value!]));
  return { secret: /(pk_[\w-]+)/.exec(said)![1]!, settings };
}

/** The page as it was just built, in place of the one that was built into the server, under that one's policy. */
async function replacePage(context: BrowserContext, folder: string): Promise<void> {
  await context.route(url => url.pathname === '/' || url.pathname === '/theme.js' || url.pathname.startsWith('/assets/'), async route => {
    const { pathname } = new URL(route.request().url());
    if (pathname !== '/') return route.fulfill({ path: join(folder, pathname) });
    await route.fulfill({ response: await route.fetch(), path: join(folder, 'index.html') });
  });
}

export async function choose(page: Page, model: string): Promise<void> {
  await page.locator('.model-button').click();
  await page.getByRole('combobox').fill(model);
  await page.getByRole('combobox').press('Enter');
}

export async function ask(page: Page, question: string): Promise<void> {
  await page.locator('#question').fill(question);
  await page.locator('#question').press('Enter');
}

export function lastAnswer(page: Page): Locator {
  return page.locator('.answer').last();
}

/** What it says as a person reads it, without what stands around it. */
export async function said(answer: Locator): Promise<string> {
  return answer.evaluate(element => {
    const copy = element.cloneNode(true) as HTMLElement;
    copy.querySelectorAll('.code-head').forEach(head => head.remove());
    return [...copy.querySelectorAll('.markdown')].map(part => part.textContent).join('');
  });
}

export async function saidMore(answer: Locator, than: number): Promise<void> {
  await until(`it says more than ${than} characters`, async () => (await answer.count()) > 0 && (await said(answer)).length > than);
}

export async function ended(answer: Locator, how: 'done' | 'stopped' | 'error' = 'done', timeout = 45_000): Promise<void> {
  await answer.and(answer.page().locator(`.is-${how}`)).waitFor({ timeout });
}

/** The snapshot that the server has of an answer. */
export async function kept(server: Server, answer: Locator): Promise<{ status: string; text: string }> {
  const id = await answer.getAttribute('data-generation');
  return (await fetch(`${server.url}/v1/generations/${id}`)).json() as Promise<{ status: string; text: string }>;
}

/** What an instrument gives as a number. */
export async function figure(page: Page, name: string): Promise<number> {
  return Number((await page.locator('.instrument .figures > div', { has: page.getByText(name, { exact: true }) }).locator('dd').innerText()).replace(/[^\d.]/g, ''));
}

/** Text as Markdown's marks leave it. */
export function plain(markdown: string): string {
  return markdown.replace(/^```\w*$|^- /gm, '').replace(/\d+\. /g, '').replace(/[*_`]/g, '').replace(/\s+/g, '');
}
