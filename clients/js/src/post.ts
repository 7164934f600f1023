import { answerTo } from "./answers.js";

/**
 * Post JSON or nothing to the server, as whoever the cookie says, if anybody.
 *
 * Throws an AdmitError; where `stop` ended it, one that nobody reads.
 */
export function post(url: string, init: RequestInit, stop?: AbortSignal): Promise<unknown> {
  return answerTo(
    (signal) => fetch(url, { ...OWN, method: "POST", credentials: "include", ...init, signal }),
    stop,
  );
}

/** A redirect would carry a password or a key to wherever it points. */
export const OWN: RequestInit = { cache: "no-store", redirect: "error" };

/** A body of JSON. */
export const json = (body: object): RequestInit => ({
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify(body),
});
