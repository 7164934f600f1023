import { answerTo } from "./answers.js";
import { AdmitError } from "./errors.js";
import { send } from "./fetch.js";
import { tokenOf } from "./getAccessToken.js";
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

/** Post JSON, as whoever the cookie says, if anybody. */
export function post(
  core: Core,
  path: string,
  init: RequestInit,
  stop?: AbortSignal,
): Promise<unknown> {
  return answerTo(
    (signal) =>
      fetch(core.base + path, { ...OWN, method: "POST", credentials: "include", ...init, signal }),
    stop,
  );
}

/** A redirect would carry a password or a key to wherever it points. */
const OWN: RequestInit = { cache: "no-store", redirect: "error" };

/** A body of JSON. */
export const json = (body: object): RequestInit => ({
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify(body),
});

/** Nobody is signed in, and why not any longer. */
export function signedOut({ state }: Core): AdmitError {
  const reason = state?.signedIn === false && state.reason;
  return new AdmitError("unauthenticated", "Nobody is signed in.", reason ? { reason } : {});
}
