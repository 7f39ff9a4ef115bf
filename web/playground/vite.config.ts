import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vite';

const client = (path: string) => fileURLToPath(new URL(`../client/src/${path}`, import.meta.url));

/** Every browser that runs the page reads woff2; KaTeX' style names two older formats beside it. */
const woff2Only: Plugin = {
  name: 'woff2-only',
  enforce: 'pre',
  transform: (code, id) => (id.includes('katex') && id.includes('.css') ? code.replace(/,\s*url\([^)]+\.(?:woff|ttf)\)\s*format\(["'][a-z]+["']\)/g, '') : undefined),
};

export default defineConfig({
  // Relative, so that a proxy may put a prefix before all of it.
  base: './',
  plugins: [woff2Only],
  resolve: {
    // The client's own source, so that the page needs no build of it.
    alias: { 'penstock/react': client('react/index.ts'), 'penstock/shared': client('shared/index.ts'), penstock: client('index.ts') },
    dedupe: ['react', 'react-dom'],
  },
  build: {
    target: 'es2022',
    assetsInlineLimit: 0, // the page's policy knows no data: but for pictures
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { proxy: Object.fromEntries(['/v1', '/docs', '/openapi.json', '/metrics'].map(path => [path, process.env.PENSTOCK_URL ?? 'http://localhost:8000'])) },
});
