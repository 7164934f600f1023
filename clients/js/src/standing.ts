import type { Tokens } from "./answers.js";
import type { AdmitError, Reason } from "./errors.js";
import { LAST_EPOCH, type Kept } from "./kept.js";
import type { Tabs } from "./tabs.js";
import type { Listener, State, User } from "./types.js";

const LONGEST_PAUSE = 60_000;
/** Milliseconds between two refreshes at least, however short a token's life. */
const LEAST_SPAN = 1000;

/** What one client holds. It is never handed out: the token stays in here. */
export interface Core {
  readonly base: string;
  readonly allowed: ReadonlySet<string>;
  readonly kept: Kept;
  readonly tabs: Tabs;
  readonly listeners: Set<Listener>;
  /** Aborted when the client is closed. */
  readonly closing: AbortController;
  /** Wait for what is due. */
  readonly plan: () => void;
  timer: ReturnType<typeof setTimeout> | undefined;
  /** What the listeners were told last. */
  state: State | null;
  /** Whether that still holds, as far as this tab knows. */
  known: boolean;
  token: string | null;
  /** When it ends, and when something is due in the background: milliseconds of `now`. */
  ends: number;
  due: number;
  /** Milliseconds before its end from which the token is no longer sent: the way takes time. */
  slack: number;
  /** How many sign-ins and sign-outs there were in all tabs; no two of them are equal. */
  epoch: number;
  /** How many sign-outs were asked for here. */
  outs: number;
  /** Aborts the refresh or the sign-out that is under way. */
  stop: AbortController;
  renewing: Promise<boolean> | undefined;
  /** What signs in or out waits in a line, and a refresh waits for it. */
  line: Promise<unknown>;
  /** Ends the hold of another tab that signs in. */
  free?: () => void;
  /** The last failure, when it was, and how many there were since the last success. */
  failure: AdmitError | undefined;
  failedAt: number;
  failures: number;
  /** The token that came in place of a refused one, and when. */
  cure: string | undefined;
  curedAt: number;
}

/** A clock that nobody sets: the device's own may be wrong by a day. */
export const now = (): number => performance.now();

/** Somebody signed in or out: what was under way is of no use any more. */
export function move(core: Core, epoch: number): void {
  core.epoch = epoch;
  core.token = null;
  core.known = false;
  halt(core);
}

/** The same, here: the others find it in what is kept. */
export function moveOn(core: Core): void {
  const last = Math.max(core.epoch, keptEpoch(core));
  move(core, last + 1 + Math.random());
  core.kept.write("epoch", `${core.epoch}`);
}

/** End the request that is under way, so that no late cookie of its answer is taken either. */
export function halt(core: Core): void {
  core.stop.abort();
  core.stop = new AbortController();
}

/** Look whether another tab signed in or out, which nothing may have told. */
export function heed(core: Core): void {
  const epoch = keptEpoch(core);
  if (!epoch && core.epoch) core.kept.write("epoch", `${core.epoch}`); // somebody cleared the storage
  if (epoch > core.epoch) {
    move(core, epoch);
    if (core.state) dueIn(core, 100); // or its message comes first
  }
  if (core.kept.read("out") && (!core.known || core.token)) {
    leave(core, "signed_out");
    dueIn(core, 0); // the server has not heard of it
  }
}

/** Something is to be done in the background. */
export function dueIn(core: Core, milliseconds: number): void {
  core.due = now() + milliseconds;
  core.plan();
}

/** 0 where there is none: past LAST_EPOCH nothing could be newer. */
export function keptEpoch(core: Core): number {
  const epoch = Number(core.kept.read("epoch"));
  return epoch < LAST_EPOCH ? epoch : 0;
}

/** These tokens, asked for at that time, are this tab's; the others are told. */
export function enter(core: Core, tokens: Tokens, asked: number): void {
  const { access_token: token, user } = tokens;
  take(core, token, user, asked, tokens.expires_in * 1000);
  core.tabs.tell({ epoch: core.epoch, token, left: core.ends - now(), user });
}

/** This token is this tab's, for so many milliseconds since then. */
export function take(core: Core, token: string, user: User, since: number, span: number): void {
  rest(core);
  core.token = token;
  core.ends = since + span;
  core.due = since + Math.max(span * (0.7 + 0.15 * Math.random()), LEAST_SPAN);
  core.slack = Math.min(span / 10, 5000);
  settle(core, { signedIn: true, user });
  core.plan();
}

/** Nobody is signed in here any more. */
export function leave(core: Core, reason: Reason | null): void {
  rest(core);
  core.token = null;
  settle(core, { signedIn: false, reason });
}

/** Nothing is due, and nothing failed. */
export function rest(core: Core): void {
  core.due = Infinity;
  core.failures = 0;
  core.failure = undefined;
  core.plan();
}

/** The server is away: again later, later each time, and when it says. It signs nobody out. */
export function backOff(core: Core, error: AdmitError): void {
  core.failure = error;
  core.failedAt = now();
  const pause = Math.min(1000 * 2 ** core.failures++, LONGEST_PAUSE) * (0.5 + Math.random() / 2);
  dueIn(core, Math.max(pause, Math.min(error.retryAfter ?? 0, 3600) * 1000));
}

/** Whose page this is, as the listeners were told last. */
export const idOf = ({ state }: Core): string | undefined => (state as any)?.user?.id;

/** This is so; whoever listens is told where it is new. */
export function settle(core: Core, state: State): void {
  core.known = true;
  if (JSON.stringify(state) === JSON.stringify(core.state)) return;
  core.state = state;
  for (const listener of core.listeners) {
    // Not in the midst of this: it may throw, or sign out.
    queueMicrotask(() => core.listeners.has(listener) && listener(state));
  }
}
