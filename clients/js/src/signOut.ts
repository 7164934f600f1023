import { isNothing, shaped } from "./answers.js";
import { post } from "./call.js";
import { AdmitError } from "./errors.js";
import { inLine } from "./line.js";
import { backOff, leave, moveOn, type Core } from "./standing.js";
import type { Admit } from "./types.js";

export const signOut =
  (core: Core): Admit["signOut"] =>
  () => {
    const { token } = core;
    core.outs++;
    core.kept.write("out", `${Math.random()}`); // before the others see that somebody signed out
    goOut(core);
    return end(core, token);
  };

/** Out in this tab and the others, whatever the server says. */
export function goOut(core: Core): void {
  moveOn(core);
  leave(core, "signed_out");
  core.tabs.tell({ epoch: core.epoch, out: "signed_out" });
}

/** Tell the server once more of a sign-out that it has not heard of. */
export const retrySignOut = (core: Core): Promise<void> => end(core, null);

/**
 * End the session at the server: the cookie's, and the access token's where there is no cookie.
 *
 * The mark stays until the server has heard; somebody who signs in takes it away.
 */
function end(core: Core, token: string | null): Promise<void> {
  const headers: HeadersInit = token ? { Authorization: `Bearer ${token}` } : {};
  return inLine(core, async () => {
    const { stop } = core;
    const mark = core.kept.read("out");
    if (mark === null) return;
    try {
      shaped(await post(core, "/logout", { headers, keepalive: true }, stop.signal), isNothing);
    } catch (error) {
      if (stop.signal.aborted) return; // who signs in ends this session by it
      backOff(core, error as AdmitError);
      throw error;
    }
    core.failures = 0;
    core.due = Infinity;
    if (core.kept.read("out") === mark) core.kept.write("out", null);
  });
}
