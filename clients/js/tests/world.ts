import { vi } from "vitest";
import { createAdmit, type Admit, type State } from "../src/index.js";

export const BASE = "https://api.example.test/auth";
export const PASSWORD = "seven pale lanterns drift";
const LEEWAY = 10_000;
const EXPIRES_IN = 900;

interface Row {
  id: string;
  user: { id: string; email: string; roles: string[] };
  generation: number;
  key: string | null;
  rotatedAt: number;
  ended: string | null;
}

/** What happens to a request: it is answered so, lost, handled and its answer lost, or held. */
type Fate = Response | "lose" | "lose answer" | Held;

/** An answer that is on its way, for as long as a test wants. */
export class Held {
  release!: () => void;
  private arrive!: () => void;
  readonly arrived = new Promise<void>((resolve) => (this.arrive = resolve));
  private readonly go = new Promise<void>((resolve) => (this.release = resolve));

  async wait(signal: AbortSignal): Promise<void> {
    this.arrive();
    const aborted = new Promise<never>((_, no) => {
      signal.addEventListener("abort", () => no(signal.reason));
    });
    await Promise.race([this.go, aborted]);
  }
}

/** A server that keeps the session law, and the one browser that speaks to it. */
export class World {
  cookie: string | null = null;
  rows = new Map<string, Row>();
  people = new Map([["ada@example.com", PASSWORD]]);
  sent: string[] = [];
  keys: (string | null)[] = [];
  requests: Request[] = [];
  down = false;
  revokedTokens = new Set<string>();
  private fates = new Map<string, Fate[]>();
  private count = 0;
  tabs: Admit[] = [];

  /** What happens to the next request for this path. */
  next(path: string, fate: Fate): void {
    this.fates.set(path, [...(this.fates.get(path) ?? []), fate]);
  }

  forgive(): void {
    this.fates.clear();
  }

  hold(path: string): Held {
    const held = new Held();
    this.next(path, held);
    return held;
  }

  times(path: string): number {
    return this.sent.filter((each) => each === path).length;
  }

  session(): Row {
    return [...this.rows.values()].at(-1)!;
  }

  fetch = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    const request = new Request(input, init);
    request.signal.throwIfAborted();
    const path = new URL(request.url).pathname.replace("/auth", "");
    this.sent.push(path);
    this.requests.push(request);
    const fate = this.fates.get(path)?.shift();
    if (this.down || fate === "lose") throw new TypeError("Failed to fetch");
    if (fate instanceof Response) return fate;
    const [response, cookie] = await this.handle(path, request);
    if (fate instanceof Held) await fate.wait(request.signal);
    request.signal.throwIfAborted();
    if (fate === "lose answer") throw new TypeError("Failed to fetch");
    if (cookie !== undefined && request.credentials === "include") this.cookie = cookie;
    return response;
  };

  private async handle(path: string, request: Request): Promise<[Response, string?]> {
    if (path === "/login") return this.login(JSON.parse(await request.text()));
    if (path === "/refresh") return this.refresh(request.headers.get("Idempotency-Key"));
    if (path === "/logout") return this.logout(request);
    const row = this.bearer(request);
    if (!row) {
      const error = request.headers.has("Authorization") ? ', error="invalid_token"' : "";
      return [refusal(401, error ? "invalid_token" : "unauthenticated", {}, `Bearer${error}`)];
    }
    if (path === "/me") {
      return [Response.json({ user: row.user, session: { id: row.id, current: true } })];
    }
    if (path === "/sessions") return [Response.json({ sessions: [{ id: row.id }] })];
    if (path === "/logout/all") {
      for (const each of this.rows.values()) each.ended ??= "signed_out";
      return [new Response(null, { status: 204 }), ""];
    }
    if (path === "/echo") return [new Response(await request.text())];
    return [new Response(null, { status: 204 })];
  }

  private login({ login, password }: Record<string, string>): [Response, string?] {
    if (this.people.get(login!) !== password) return [refusal(401, "invalid_credentials")];
    const held = this.row();
    if (held) held.ended ??= "signed_out";
    const id = `s${this.rows.size}`;
    const user = { id: login!, email: login!, roles: [] };
    this.rows.set(id, { id, user, generation: 0, key: null, rotatedAt: -1e9, ended: null });
    return this.deliver(this.rows.get(id)!);
  }

  private refresh(key: string | null): [Response, string?] {
    this.keys.push(key);
    const row = this.row();
    if (!row) return [refusal(401, "unauthenticated")];
    if (row.ended) return [refusal(401, "refresh_refused", { reason: row.ended })];
    const n = Number(this.cookie!.split(".")[1]);
    if (row.generation === n && !this.isRested(row)) return this.deliver(row); // it rests
    if (row.generation <= n) {
      Object.assign(row, { generation: n + 1, key, rotatedAt: performance.now() });
    } else if (row.generation > n + 1 || (row.key !== key && this.isRested(row))) {
      row.ended = "reuse_detected";
      return [refusal(401, "refresh_refused", { reason: row.ended })];
    }
    return this.deliver(row);
  }

  private isRested = (row: Row) => performance.now() - row.rotatedAt >= LEEWAY;

  private logout(request: Request): [Response, string?] {
    for (const row of [this.row(), this.bearer(request)]) if (row) row.ended ??= "signed_out";
    return [new Response(null, { status: 204 }), ""];
  }

  private deliver(row: Row): [Response, string] {
    const access_token = `${row.id}.${this.count++}.${performance.now() + EXPIRES_IN * 1000}`;
    const body = { access_token, token_type: "Bearer", expires_in: EXPIRES_IN, user: row.user };
    return [Response.json(body), `${row.id}.${row.generation}`];
  }

  private row = () => this.rows.get(this.cookie?.split(".")[0] ?? "");

  private bearer(request: Request): Row | null {
    const token = request.headers.get("Authorization")?.slice("Bearer ".length) ?? "";
    const [id, , ends] = token.split(".");
    const row = this.rows.get(id!);
    const good = row && !row.ended && performance.now() < Number(ends);
    return good && !this.revokedTokens.has(token) ? row : null;
  }
}

/** A refusal as the server writes it. */
export function refusal(
  status: number,
  code: string,
  more: Record<string, unknown> = {},
  challenge?: string,
): Response {
  const headers: HeadersInit = challenge ? { "WWW-Authenticate": challenge } : {};
  return Response.json({ status, code, title: `It is ${code}.`, ...more }, { status, headers });
}

/** What one browser has for its tabs, in place of the real one. */
export class Storage {
  held = new Map<string, string>();
  getItem = (name: string) => this.held.get(name) ?? null;
  setItem = (name: string, value: string) => void this.held.set(name, value);
  removeItem = (name: string) => void this.held.delete(name);
  find = (name: string) => this.getItem(`admit ${BASE} ${name}`);
}

class Channel {
  static all = new Set<Channel>();
  onmessage: ((event: { data: unknown }) => void) | null = null;

  constructor(readonly name: string) {
    Channel.all.add(this);
  }

  postMessage(message: unknown): void {
    const data = structuredClone(message);
    for (const each of Channel.all) {
      if (each !== this && each.name === this.name) {
        queueMicrotask(() => Channel.all.has(each) && each.onmessage?.({ data }));
      }
    }
  }

  close(): void {
    Channel.all.delete(this);
  }
}

/** A new world, its storage, and what opens tabs in it; timers, clocks and network are its own. */
export function newWorld() {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance", "Date"] });
  const world = new World();
  const storage = new Storage();
  const page = Object.assign(new EventTarget(), { hidden: false });
  Channel.all.clear();
  vi.stubGlobal("fetch", world.fetch);
  vi.stubGlobal("localStorage", storage);
  vi.stubGlobal("document", page);
  vi.stubGlobal("BroadcastChannel", Channel);
  return { world, storage, page, open: (options = {}) => open(world, options) };
}

export type Tab = Admit & { states: State[]; window: EventTarget; last: () => string };

/** A tab of its own: its window hears its own events. */
function open(world: World, options: object): Tab {
  const window = new EventTarget();
  vi.stubGlobal("addEventListener", window.addEventListener.bind(window));
  const admit = createAdmit({ baseUrl: BASE, ...options });
  world.tabs.push(admit);
  const states: State[] = [];
  admit.onChange((state) => states.push(state));
  const last = () => {
    const state = states.at(-1);
    return !state ? "nothing" : state.signedIn ? state.user.email : `out: ${state.reason}`;
  };
  return { ...admit, states, window, last };
}

export const ADA = { login: "ada@example.com", password: PASSWORD };

/** Let everything happen that waits for no timer. */
export const settle = () => vi.advanceTimersByTimeAsync(0);

export const seconds = (count: number) => vi.advanceTimersByTimeAsync(count * 1000);
