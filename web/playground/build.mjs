// Builds the page, precompressed, into artifacts/playground (or the folder that is named), from whatever state: `node build.mjs [folder]`.
// Exits with 3 where the packages cannot be had, which is no fault of the page.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const here = dirname(fileURLToPath(import.meta.url));
const out = resolve(process.argv[2] ?? join(here, '../../artifacts/playground'));
const lock = `${out}.lock`;

mkdirSync(dirname(out), { recursive: true });
await enter();
try {
  install();
  const fresh = `${out}.new`;
  process.env.NODE_ENV = 'production'; // whatever the tests that call us run in
  const { build } = await import('vite');
  await build({ root: here, logLevel: 'error', build: { outDir: fresh, emptyOutDir: true } });
  compress(fresh);
  rmSync(out, { recursive: true, force: true });
  renameSync(fresh, out);
} finally {
  rmSync(lock, { force: true });
}

// Two builds at once would install into one folder. What a build that died has left is taken away.
async function enter() {
  for (;;) {
    try {
      return writeFileSync(lock, String(process.pid), { flag: 'wx' });
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    try {
      process.kill(Number(readFileSync(lock, 'utf8')) || 0, 0);
    } catch (error) {
      if (error.code === 'ESRCH') rmSync(lock, { force: true });
    }
    await new Promise(next => setTimeout(next, 200));
  }
}

function install() {
  // A checkout gives old files new times, so what was installed from is kept beside it.
  const wanted = join(here, 'package-lock.json');
  const installed = join(here, 'node_modules/.package-lock.json');
  const from = join(here, 'node_modules/.installed-from.json');
  if (existsSync(installed) && (statSync(installed).mtimeMs >= statSync(wanted).mtimeMs || (existsSync(from) && readFileSync(from).equals(readFileSync(wanted))))) return;
  const npm = spawnSync('npm', ['ci', '--silent', '--no-audit', '--no-fund', '--prefer-offline', '--fetch-retries=1'], { cwd: here, stdio: ['ignore', 'ignore', 'pipe'], shell: process.platform === 'win32' });
  if (npm.status === 0) return copyFileSync(wanted, from);
  rmSync(lock, { force: true });
  console.log(`npm ci failed in ${here}. ${npm.error?.message ?? String(npm.stderr).split('\n')[0]}`);
  process.exit(3);
}

function compress(folder) {
  for (const name of readdirSync(folder, { recursive: true })) {
    const path = join(folder, name);
    if (!/\.(?:html|js|css|svg)$/.test(path) || statSync(path).size < 1000) continue;
    const content = readFileSync(path);
    writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }));
    writeFileSync(`${path}.br`, brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: content.length } }));
  }
}
