import { nothing } from "./answers.js";
import { AdmitError } from "./errors.js";
import { inLine } from "./line.js";
import { post } from "./post.js";
import { backOff, leave, moveOn, rest, type Core } from "./standing.js";
import type { Admit } from "./types.js";

export const signOut =
  (core: Core): Admit["signOut"] =>
  () => {
    const { token } = core;
    askOut(core); // before the others see that somebody signed out
    goOut(core);
    return end(core, token);
  };

/** The server is to be told, by whatever page comes first. */
export const askOut = (core: Core): void => core.kept.write("out", `${Math.random()}`);

/** Out in this tab and the others, whatever the server says. */
export function goOut(core: Core): void {
  core.outs++;
  moveOn(core);
  leave(core, "signed_out");
  core.tabs.tell({ epoch: core.epoch, out: "signed_out" });
}

/**
 * End the session at the server: the cookie's, and the access token's where there is no cookie.
 *
 * The mark stays until the server has heard; somebody who signs in takes it away.
 */
export function end(core: Core, token?: string | null): Promise<void> {
  const headers: HeadersInit = token ? { Authorization: `Bearer ${token}` } : {};
  return inLine(core, async () => {
    const { signal } = core.stop;
    const mark = core.kept.read("out");
    if (!mark) return;
    try {
      nothing(await post(`${core.base}/logout`, { headers, keepalive: true }, signal));
      if (core.kept.read("out") === mark) core.kept.write("out", null);
      if (!signal.aborted) rest(core);
    } catch (error) {
      backOff(core, error as AdmitError);
      // Who signs in now ends this session by it; if that fails, the server is told later.
      if (!signal.aborted) throw error;
    }
  });
}
