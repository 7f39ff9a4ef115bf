import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { chromium } from 'playwright-core';
import { build, createServer } from 'vite';
import { Server } from './server.js';

const run = promisify(execFile);
const here = fileURLToPath(new URL('..', import.meta.url));
const project = mkdtempSync(join(tmpdir(), 'penstock-project-'));
const readme = readFileSync(join(here, 'README.md'), 'utf8');
const sample = join(here, '../../samples/react');
const tsc = join(here, 'node_modules/typescript/bin/tsc');

// A fresh project that has nothing but the packed package.
beforeAll(async () => {
  await run('npm', ['pack', '--silent', '--pack-destination', project], { cwd: here });
  const [packed] = readdirSync(project).filter(name => name.endsWith('.tgz'));
  writeFileSync(join(project, 'package.json'), '{ "name": "fresh", "private": true, "type": "module" }');
  await run('npm', ['install', '--offline', '--no-audit', '--no-fund', `./${packed}`], { cwd: project });
});
afterAll(() => rmSync(project, { recursive: true, force: true }));

function blocks(language: string, page = readme): string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms'))].map(match => match[1]!);
}

function doc(page: string): string {
  return readFileSync(join(here, `../../docs/${page}.md`), 'utf8');
}

test('the sources hold to strict TypeScript', async () => {
  await run(tsc, ['-p', 'tsconfig.json'], { cwd: here }).catch((error: { stdout: string }) => expect.unreachable(error.stdout));
});

test('it has nothing but its code, and no dependencies', () => {
  const installed = join(project, 'node_modules/penstock');
  expect(readdirSync(join(project, 'node_modules')).filter(name => !name.startsWith('.'))).toEqual(['penstock']);
  expect(readdirSync(installed).sort()).toEqual(['README.md', 'dist', 'package.json']);
  const { dependencies, exports, sideEffects } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as { dependencies?: object; exports: Record<string, Record<string, string>>; sideEffects: boolean };
  expect(dependencies).toBeUndefined();
  expect(sideEffects).toBe(false);
  for (const files of Object.values(exports)) for (const file of Object.values(files)) expect(readFileSync(join(installed, file), 'utf8')).not.toBe('');
});

test('a fresh project runs the first example, and that of docs/clients.md', async () => {
  const server = await Server.start({ 'Storage:Kind': 'memory', DefaultModel: 'simulated/chat?tps=0&ttft=0' });
  try {
    for (const [n, example] of [blocks('js')[0]!, blocks('js', doc('clients'))[0]!].entries()) {
      writeFileSync(join(project, 'example.mjs'), example.replace('http://localhost:8000', server.url));
      const { stdout } = await run('node', ['example.mjs'], { cwd: project });
      const { data } = await (await fetch(`${server.url}/v1/generations`)).json() as { data: { text: string; usage: { outputTokens: number } }[] };
      expect(stdout).toBe(n === 0 ? `${data[0]!.text}\nstop, ${data[0]!.usage.outputTokens} tokens\n` : data[0]!.text);
    }
  } finally {
    await server.dispose();
  }
});

test('all examples fit its types', async () => {
  const modules = join(project, 'node_modules');
  mkdirSync(join(modules, '@types'));
  for (const name of ['react', 'react-dom', '@types/react', '@types/react-dom', '@types/node', '@ai-sdk', 'ai', '@assistant-ui']) symlinkSync(join(here, 'node_modules', name), join(modules, name));
  const files = [...blocks('js').map(code => ['ts', code] as const), ...blocks('ts').map(code => ['ts', code] as const), ...blocks('tsx').map(code => ['tsx', code] as const), ['tsx', readFileSync(join(sample, 'main.tsx'), 'utf8')] as const,
    ...blocks('js', doc('http')).map(code => ['ts', `import { useChat } from '@ai-sdk/react';\nimport { DefaultChatTransport } from 'ai';\ndeclare const id: string;\n${code}`] as const)];
  expect(files.length).toBeGreaterThanOrEqual(5);
  for (const [n, [kind, code]] of files.entries()) writeFileSync(join(project, `example${n}.${kind}`), code);
  const options = { target: 'ES2022', module: 'NodeNext', jsx: 'react-jsx', strict: true, noEmit: true, lib: ['ES2023', 'DOM', 'DOM.Iterable'], types: ['node'], skipLibCheck: true };
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, include: ['example*.ts', 'example*.tsx'] }));
  await run(tsc, ['-p', project]).catch((error: { stdout: string }) => expect.unreachable(error.stdout));
});

test('the React sample streams, and goes on after a reload', async () => {
  const server = await Server.start({ 'Storage:Kind': 'memory' });
  const root = join(project, 'sample');
  cpSync(sample, root, { recursive: true, filter: path => !path.includes('node_modules') });
  const page = await createServer({ root, configFile: false, logLevel: 'error', server: { port: 0, host: '127.0.0.1', proxy: { '/v1': server.url } } });
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-dev-shm-usage'] });
  try {
    await page.listen();
    const tab = await browser.newPage();
    await tab.goto(page.resolvedUrls!.local[0]!);
    await tab.getByRole('textbox').fill('Tell me about rivers.');
    await tab.getByRole('button', { name: 'Send' }).click();
    await tab.getByText('Gladly').waitFor();
    await tab.reload();
    await tab.getByRole('status').getByText('done').waitFor();
    const { data } = await (await fetch(`${server.url}/v1/generations`)).json() as { data: { text: string }[] };
    expect(data).toHaveLength(1);
    expect(await tab.locator('p').last().textContent()).toBe(`assistant ${data[0]!.text}`);
  } finally {
    await browser.close();
    await page.close();
    await server.dispose();
  }
});

test.each([['penstock', 'createClient', 6000], ['penstock/react', 'useChat, useStream, useSSEStream', 9000]])('%s is small', async (from, names, limit) => {
  const entry = join(project, 'entry.js');
  writeFileSync(entry, `export { ${names} } from '${from}';`);
  const built = await build({ root: project, configFile: false, logLevel: 'error', build: { write: false, target: 'es2022', lib: { entry, formats: ['es'] }, minify: 'oxc', rollupOptions: { external: ['react'] } } });
  const code = (Array.isArray(built) ? built : [built]).flatMap(b => ('output' in b ? b.output : [])).map(o => (o.type === 'chunk' ? o.code : '')).join('');
  expect(code).toContain('/v1/generations');
  const size = gzipSync(code, { level: 9 }).length;
  console.log(`${from}: ${size} bytes gzipped`);
  expect(size).toBeLessThan(limit);
});
