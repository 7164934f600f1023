// Writes dist: one minified file, and the types. With --static, the file that Admit's pages load too.
import { execFileSync } from "node:child_process";
import { copyFileSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

// Names of our own that nobody outside reads: neither an answer's, nor the browser's, nor the API's.
const INTERNAL =
  /^(allowed|base|state|kept|read|write|tabs|tell|open|forget|listeners|plan|timer|closing|known|ends|due|slack|outs|stop|renewing|line|free|failure|failedAt|failures|cure|curedAt)$/;

rmSync(here("dist"), { recursive: true, force: true });
buildSync({
  entryPoints: [here("src/index.ts")],
  outfile: here("dist/index.js"),
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  mangleProps: INTERNAL,
});
execFileSync(here("node_modules/.bin/tsc"), ["--project", here("tsconfig.json")], { stdio: "inherit" });
if (process.argv.includes("--static")) {
  copyFileSync(here("dist/index.js"), here("../../src/admit/web/static/client.js"));
}
