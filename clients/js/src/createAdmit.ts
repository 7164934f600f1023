import { changePassword } from "./changePassword.js";
import { endSession } from "./endSession.js";
import { fetchWith } from "./fetch.js";
import { getAccessToken } from "./getAccessToken.js";
import { keep } from "./kept.js";
import { onChange } from "./onChange.js";
import { register } from "./register.js";
import { look, lookAnew, schedule } from "./schedule.js";
import { session } from "./session.js";
import { sessions } from "./sessions.js";
import { signIn } from "./signIn.js";
import { signOut } from "./signOut.js";
import { signOutEverywhere } from "./signOutEverywhere.js";
import { heed, hear, now, type Core } from "./standing.js";
import { joinTabs } from "./tabs.js";
import type { Admit, Options } from "./types.js";

/**
 * A client of the Admit at `baseUrl`, one for the whole page.
 *
 * Throws a TypeError where an address is none, or one that a token must not be sent to.
 */
export function createAdmit({ baseUrl, origins = [] }: Options): Admit {
  const base = new URL(baseUrl, globalThis.location?.href).href.replace(/\/+$/, "");
  const closing = new AbortController();
  const core = made(base, origins, closing.signal);
  listen(core, closing.signal);
  core.tabs.open();
  heed(core);
  if (core.kept.read("out")) {
    core.due = now(); // the server has not heard of a sign-out, which comes before anything else
    core.plan();
  }
  return {
    register: register(core),
    signIn: signIn(core),
    signOut: signOut(core),
    signOutEverywhere: signOutEverywhere(core),
    fetch: fetchWith(core),
    getAccessToken: getAccessToken(core),
    session: session(core),
    sessions: sessions(core),
    endSession: endSession(core),
    changePassword: changePassword(core),
    onChange: onChange(core),
    close() {
      closing.abort();
      core.tabs.close();
      core.listeners.clear();
    },
  };
}

function made(base: string, origins: readonly string[], closing: AbortSignal): Core {
  const core: Core = {
    base,
    origins: new Set([base, ...origins].map(trusted)),
    kept: keep(base),
    tabs: joinTabs(base, (message) => hear(core, message)),
    listeners: new Set(),
    plan: schedule(() => core, closing),
    state: null,
    known: false,
    token: null,
    ends: 0,
    due: Infinity,
    slack: 0,
    epoch: 0,
    outs: 0,
    stop: new AbortController(),
    renewing: null,
    line: Promise.resolve(),
    failure: null,
    failedAt: 0,
    failures: 0,
    cure: null,
    curedAt: 0,
  };
  return core;
}

/** The origin, where nobody on the way can read along. */
function trusted(address: string): string {
  const { origin, protocol, hostname } = new URL(address);
  if (protocol === "https:" || /^(localhost|127\.0\.0\.1|\[::1\])$/.test(hostname)) return origin;
  throw new TypeError(`${address} is not https: whoever is on the way would read the token.`);
}

/** Timers stand still in sleep, and a page that was put away hears nothing: then look again. */
function listen(core: Core, signal: AbortSignal): void {
  const on = (name: string, does: (event: Event) => void) =>
    globalThis.addEventListener?.(name, does, { signal });
  on("online", () => lookAnew(core));
  on("pagehide", () => core.tabs.close()); // an open channel keeps a page out of the cache
  on("pageshow", (event) => {
    core.tabs.open();
    if ((event as PageTransitionEvent).persisted) lookAnew(core);
  });
  on("storage", () => globalThis.BroadcastChannel || look(core));
  globalThis.document?.addEventListener("visibilitychange", () => look(core), { signal });
}
