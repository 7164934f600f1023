// A question to the JSON routes that the client has no verb for, and the time at the server.

import { AdmitError } from "./client.js";
import { admit, page } from "./page.js";

/**
 * The answer to a request under the prefix, and the server's clock as it answered.
 * @param {string} path such as "/sessions"
 * @param {RequestInit} [init]
 * @returns {Promise<{ said: any, now: number }>} `now` in milliseconds since 1970
 * @throws {AdmitError} as the client's own verbs do
 */
export async function ask(path, init) {
  const answer = await reached(`${location.origin}${page.baseUrl}${path}`, init);
  const said = answer.status === 204 ? null : await answer.json().catch(() => undefined);
  if (!answer.ok || said === undefined) throw refusal(answer, said ?? {});
  return { said, now: Date.parse(answer.headers.get("date") ?? "") || Date.now() };
}

/**
 * @param {string} address
 * @param {RequestInit} [init]
 * @returns {Promise<Response>}
 */
async function reached(address, init) {
  try {
    return await admit.fetch(address, init);
  } catch (error) {
    if (error instanceof AdmitError) throw error;
    throw new AdmitError("network", "The server was not reached.");
  }
}

/**
 * @param {Response} answer
 * @param {any} said
 * @returns {AdmitError}
 */
function refusal({ status }, { code, title, reason, fields, retry_after }) {
  const details = { status, reason, fields, retryAfter: retry_after };
  return new AdmitError(code ?? (status >= 500 ? "unavailable" : "unexpected"), title ?? "", details);
}
