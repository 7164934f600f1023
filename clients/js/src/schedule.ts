import { refresh } from "./refresh.js";
import { retrySignOut } from "./signOut.js";
import { heed, now, type Core } from "./standing.js";

/** setTimeout takes no more than 2^31 ms. */
const LONGEST_TIMER = 1e9;

/** What waits until something is due, once it is called; `closing` ends that. */
export function schedule(core: () => Core, closing: AbortSignal): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stop = () => clearTimeout(timer);
  closing.addEventListener("abort", stop);
  return () => {
    stop();
    const { due } = core();
    if (due === Infinity || closing.aborted) return;
    timer = setTimeout(() => look(core()), Math.min(due - now(), LONGEST_TIMER));
  };
}

/** Do what is due. A tab that nobody sees refreshes when it is asked for something, or seen. */
export function look(core: Core): void {
  heed(core);
  if (now() < core.due) return core.plan();
  const out = core.kept.read("out");
  if (!out && globalThis.document?.hidden) return;
  const work = out ? retrySignOut(core) : refresh(core);
  work.catch(() => {}).then(core.plan);
}

/** What happened meanwhile was not heard: do now what would be done later. */
export function lookAnew(core: Core): void {
  if (core.due < Infinity) core.due = now();
  look(core);
}
