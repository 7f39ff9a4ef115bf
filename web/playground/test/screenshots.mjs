// Pictures of the page in each state, both themes, desk and phone: `npm run screenshots [folder]`, artifacts/screenshots/ without one.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createServer } from 'vite';

const folder = process.argv[2] ?? fileURLToPath(new URL('../../../artifacts/screenshots', import.meta.url));
mkdirSync(folder, { recursive: true });
// Only to read the harness, which is TypeScript.
const vite = await createServer({ root: fileURLToPath(new URL('..', import.meta.url)), server: { middlewareMode: true }, appType: 'custom', logLevel: 'error' });
const { takePictures } = await vite.ssrLoadModule('/test/pictures.ts');
await vite.close();
await takePictures((page, name) => page.screenshot({ path: join(folder, `${name}.png`) }));
console.log(`The pictures are in ${folder}.`);
process.exit(0);
