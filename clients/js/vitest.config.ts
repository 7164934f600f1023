import { defineConfig } from "vitest/config";

// One process: each costs a second. Every test gets the real globals back.
export default defineConfig({
  test: {
    pool: "threads",
    maxWorkers: 1,
    isolate: false,
    unstubGlobals: true,
    include: ["tests/*.test.ts"],
    testTimeout: 60_000,
  },
});
