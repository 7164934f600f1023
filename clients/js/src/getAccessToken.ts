import { refresh } from "./refresh.js";
import { heed, now, type Core } from "./standing.js";

/** Milliseconds after a failure in which nobody tries again: a hundred callers are one try. */
const REST = 1000;

export const getAccessToken = (core: Core) => () => tokenOf(core);

/**
 * An access token that is good now, other than one that was refused; null: nobody is signed in.
 *
 * Throws an AdmitError where there is none and the server is away.
 */
export async function tokenOf(core: Core, refused?: string): Promise<string | null> {
  for (;;) {
    heed(core);
    if (core.known && !core.state?.signedIn) return null;
    const { token } = core;
    const good = token !== null && token !== refused && now() < core.ends;
    if (good && now() < core.ends - core.slack) return token;
    try {
      if (core.failure && now() - core.failedAt < REST) throw core.failure;
      if (await refresh(core)) return core.token;
    } catch (error) {
      if (good && core.token === token) return token;
      throw error;
    }
  }
}
