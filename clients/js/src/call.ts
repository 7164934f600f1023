import { answerTo } from "./answers.js";
import { AdmitError, type Details } from "./errors.js";
import { send } from "./fetch.js";
import { tokenOf } from "./getAccessToken.js";
import { OWN } from "./post.js";
import type { Core } from "./standing.js";

/**
 * Ask the server something in the user's name.
 *
 * Without cookies, unless it has some to remove: an access token in two places is refused.
 * Throws an AdmitError, "unauthenticated" where nobody is signed in.
 */
export async function call(core: Core, path: string, init?: RequestInit): Promise<unknown> {
  if ((await tokenOf(core)) === null) throw signedOut(core);
  return answerTo((signal) =>
    send(core, new Request(core.base + path, { ...OWN, credentials: "omit", ...init, signal })),
  );
}

/** Nobody is signed in, and why not any longer. */
export function signedOut({ state }: Core): AdmitError {
  const reason = (state as Details | null)?.reason ?? undefined;
  return new AdmitError("unauthenticated", "Nobody is signed in.", { reason });
}
