import { isTokens, shaped, type Tokens } from "./answers.js";
import type { AdmitError } from "./errors.js";
import { keyUsed, retryKey } from "./kept.js";
import { post } from "./post.js";
import { backOff, enter, heed, leave, now, type Core } from "./standing.js";

/**
 * Ask for a new access token; whoever asks meanwhile is told by the same answer.
 *
 * False: somebody signed in or out in between, and one has to look again.
 * Throws an AdmitError where the server is away, which signs nobody out.
 */
export function refresh(core: Core): Promise<boolean> {
  core.renewing ??= renew(core).finally(() => {
    core.renewing = undefined;
  });
  return core.renewing;
}

async function renew(core: Core): Promise<boolean> {
  const { signal } = core.stop;
  await core.line;
  if (isLate(core, signal)) return false;
  const key = retryKey(core.kept);
  const asked = now();
  try {
    const headers = { "Idempotency-Key": key };
    const said = await post(`${core.base}/refresh`, { headers }, signal);
    const tokens = shaped<Tokens>(said, isTokens);
    if (isLate(core, signal)) return false;
    keyUsed(core.kept, key);
    enter(core, tokens, asked);
  } catch (error) {
    if (isLate(core, signal)) return false;
    const failure = error as AdmitError;
    if (!isOut(failure)) {
      backOff(core, failure);
      throw failure;
    }
    const { reason } = failure;
    keyUsed(core.kept, key);
    if (reason) core.tabs.tell({ epoch: core.epoch, out: reason });
    leave(core, reason ?? null);
  }
  return true;
}

/** An answer that comes after a sign-in or a sign-out brings nobody back, and signs nobody out. */
function isLate(core: Core, signal: AbortSignal): unknown {
  heed(core);
  return signal.aborted || core.kept.read("out");
}

/** Nothing else signs out: a 403, a 500 or a portal's page say nothing of the session. */
const isOut = ({ status, code }: AdmitError) =>
  status === 401 && (code === "refresh_refused" || code === "unauthenticated");
