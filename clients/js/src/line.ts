import { halt, type Core } from "./standing.js";

/**
 * Do what signs in or out, one after the other, and let no refresh be under way meanwhile.
 *
 * Each of them sets or removes the cookie: answers that cross would leave the wrong one.
 */
export function inLine<T>(core: Core, work: () => Promise<T>): Promise<T> {
  halt(core);
  const done = core.line.then(work);
  core.line = done.catch(() => {});
  return done;
}
