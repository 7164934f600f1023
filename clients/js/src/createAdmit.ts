import { changePassword } from "./changePassword.js";
import { endSession } from "./endSession.js";
import { fetchWith } from "./fetch.js";
import { getAccessToken } from "./getAccessToken.js";
import { hear } from "./hear.js";
import { keep } from "./kept.js";
import { onChange } from "./onChange.js";
import { register } from "./register.js";
import { look, lookAnew, plan } from "./schedule.js";
import { session } from "./session.js";
import { sessions } from "./sessions.js";
import { signIn } from "./signIn.js";
import { signOut } from "./signOut.js";
import { signOutEverywhere } from "./signOutEverywhere.js";
import { dueIn, keptEpoch, type Core } from "./standing.js";
import { joinTabs } from "./tabs.js";
import type { Admit, Options } from "./types.js";

/**
 * A client of the Admit at `baseUrl`, one for the whole page.
 *
 * Throws a TypeError where an address is none, or one that a token must not be sent to.
 */
export function createAdmit({ baseUrl, origins = [] }: Options): Admit {
  const base = new URL(baseUrl, globalThis.location?.href).href.replace(/\/+$/, "");
  const core = made(base, origins);
  listen(core);
  core.tabs.open();
  core.epoch = keptEpoch(core);
  if (core.kept.read("out")) dueIn(core, 0); // before anything else, the sign-out
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
      core.closing.abort();
      clearTimeout(core.timer);
      core.tabs.close();
      core.listeners.clear();
    },
  };
}

/** Instants stand beside what they belong to, and are not read without it. */
function made(base: string, origins: readonly string[]): Core {
  const core = {
    base,
    allowed: new Set([base, ...origins].map(trusted)),
    kept: keep(base),
    tabs: joinTabs(base, (message) => hear(core, message)),
    listeners: new Set(),
    closing: new AbortController(),
    plan: () => plan(core),
    state: null,
    known: false,
    token: null,
    due: Infinity,
    epoch: 0,
    outs: 0,
    stop: new AbortController(),
    line: Promise.resolve(),
    failures: 0,
  } as Partial<Core> as Core;
  return core;
}

/** The origin, where nobody on the way can read along. */
function trusted(address: string): string {
  const { origin, protocol, hostname } = new URL(address);
  if (protocol === "https:" || /^(localhost|127\.0\.0\.1|\[::1\])$/.test(hostname)) return origin;
  throw new TypeError(`${address} is not https`);
}

/** Timers stand still in sleep, and a page that was put away hears nothing: then look again. */
function listen(core: Core): void {
  const { signal } = core.closing;
  const on = (name: string, does: (event: Event) => void) =>
    globalThis.addEventListener?.(name, does, { signal });
  on("online", () => core.failure && lookAnew(core));
  on("pagehide", core.tabs.close); // an open channel keeps a page out of the cache
  on("pageshow", (event) => {
    core.tabs.open();
    if ((event as PageTransitionEvent).persisted) lookAnew(core);
  });
  // Without a key: all of it was cleared.
  on("storage", (event) => ((event as StorageEvent).key && globalThis.BroadcastChannel) || look(core));
  on("visibilitychange", () => look(core));
}
