import { defineConfig } from "vitest/config";

// One process: each costs a second. `unstubGlobals` gives every test the real ones back.
export default defineConfig({
  test: { pool: "threads", maxWorkers: 1, isolate: false, unstubGlobals: true, include: ["tests/*.test.ts"] },
});
