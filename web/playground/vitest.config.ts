import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // A busy machine may take its time; what is waited for comes.
    expect: { poll: { timeout: 30_000 } },
    // Most of a test is waiting for words.
    maxWorkers: 3,
    // What a test has started is ended by its end.
    pool: 'forks',
  },
});
