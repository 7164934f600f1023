import { refresh } from "./refresh.js";
import { end } from "./signOut.js";
import { heed, now, type Core } from "./standing.js";

/** setTimeout takes no more than 2^31 ms. */
const LONGEST_TIMER = 1e9;

/** Look when something is due. */
export function plan(core: Core): void {
  clearTimeout(core.timer);
  if (core.due === Infinity || core.closing.signal.aborted) return;
  core.timer = setTimeout(look, Math.min(core.due - now(), LONGEST_TIMER), core);
}

/** Do what is due. A tab that nobody sees refreshes when it is asked for something, or seen. */
export function look(core: Core): void {
  heed(core);
  if (now() < core.due) return core.plan();
  const out = core.kept.read("out");
  if (!out && globalThis.document?.hidden) return;
  const work: Promise<unknown> = (out ? end : refresh)(core);
  work.catch(() => {}).then(core.plan);
}

/** What happened meanwhile was not heard: do now what would be done later. */
export function lookAnew(core: Core): void {
  if (core.due < Infinity) core.due = now();
  look(core);
}
