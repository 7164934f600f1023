import { tokenOf } from "./getAccessToken.js";
import { idOf, now, type Core } from "./standing.js";
import type { Admit } from "./types.js";

/** Milliseconds in which a server that refuses the new token as well is not believed again. */
const CURED = 10_000;

export const fetchWith =
  (core: Core): Admit["fetch"] =>
  async (input, init) => {
    const request = new Request(input, init);
    const { origin } = new URL(request.url);
    if (!core.allowed.has(origin)) {
      throw new TypeError(
        `Add ${origin} to origins, or use plain fetch.`,
      );
    }
    return send(core, request, init?.body instanceof ReadableStream);
  };

/**
 * Send it with the access token, and once more with a new one where that is refused.
 *
 * A stream is gone once it was sent, so the refusal stands: `isStream`. So it does where somebody
 * else signed in meanwhile: what one person asked for is not done in another's name.
 */
export async function send(core: Core, request: Request, isStream?: boolean): Promise<Response> {
  const { signal } = request;
  const token = await unless(signal, tokenOf(core));
  if (!token) return fetch(request);
  const who = idOf(core);
  const again = isStream ? null : request.clone();
  const response = await fetch(bearing(request, token));
  if (!again || !isRefused(response) || isCure(core, token)) return response;
  const fresh = await unless(signal, renewed(core, token));
  if (!fresh || idOf(core) !== who) return response;
  await response.text(); // what is not read to its end counts against what `keepalive` may send
  return fetch(bearing(again, fresh));
}

/** Another token than this one, which was refused. */
async function renewed(core: Core, token: string): Promise<string | null> {
  const isOurs = core.token === token;
  const fresh = await tokenOf(core, token);
  if (isOurs && fresh) {
    core.cure = fresh;
    core.curedAt = now();
  }
  return fresh;
}

/** It came in place of a refused one a moment ago: one more would not be taken either. */
const isCure = (core: Core, token: string) =>
  core.cure === token && now() - core.curedAt < CURED;

/** Whether a new token may help: not against "sign in again, more recently", or a missing role. */
function isRefused({ status, headers }: Response): boolean {
  const challenge = headers.get("WWW-Authenticate") as string;
  return status === 401 && !/error="?(?!invalid_token)\w/.test(challenge);
}

function bearing(request: Request, token: string): Request {
  request.headers.set("Authorization", `Bearer ${token}`);
  return request;
}

/** What is promised, unless the caller does not want it any more. */
const unless = <T>(signal: AbortSignal, promise: Promise<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    const end = () => reject(signal.reason);
    if (signal.aborted) end();
    signal.addEventListener("abort", end);
    promise.then(resolve, reject).then(() => signal.removeEventListener("abort", end));
  });
