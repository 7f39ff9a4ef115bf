import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Each drives a browser and a server of its own.
    fileParallelism: false,
    pool: 'forks',
  },
});
