/** Against a real server, which the Python tests start: no leeway, so only the keys keep tabs alive. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createAdmit, type Admit } from "../src/index.js";
import { PASSWORD, Storage } from "./world.js";

const baseUrl = process.env.ADMIT_URL;
const live = test.skipIf(!baseUrl);
let network: typeof fetch;
let cookies: Map<string, string>;
let loses: number;
let open: Admit[];

/** Node keeps no cookies. */
async function asBrowser(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const request = new Request(input, init);
  const withCookies = request.credentials === "include";
  const line = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  if (withCookies && line) request.headers.set("Cookie", line);
  const response = await network(request);
  if (loses > 0 && request.url.endsWith("/refresh")) {
    loses--;
    throw new TypeError("Failed to fetch");
  }
  if (withCookies) response.headers.getSetCookie().forEach(keep);
  return response;
}

function keep(line: string): void {
  const [pair, ...flags] = line.split("; ");
  const [name, value] = pair!.split("=");
  if (flags.includes("Max-Age=0")) cookies.delete(name!);
  else cookies.set(name!, value!);
}

beforeEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  network = globalThis.fetch;
  [cookies, loses, open] = [new Map(), 0, []];
  vi.stubGlobal("localStorage", new Storage());
  vi.stubGlobal("BroadcastChannel", undefined);
  vi.stubGlobal("fetch", asBrowser);
});

afterEach(() => open.forEach((tab) => tab.close()));

function tab(): Admit {
  open.push(createAdmit({ baseUrl: baseUrl! }));
  return open.at(-1)!;
}

/** Somebody new, signed in. */
async function signedIn(name: string): Promise<Admit> {
  const first = tab();
  const email = `${name}@example.com`;
  await first.register({ email, password: PASSWORD });
  await first.signIn({ login: email, password: PASSWORD });
  return first;
}

live("every verb does what the server knows by that name", async () => {
  const first = await signedIn("ada");
  const me = await first.session();
  expect(me).toMatchObject({ user: { email: "ada@example.com" }, session: { current: true } });

  const ours = new Map(cookies);
  cookies.clear(); // another browser
  const second = tab();
  await second.signIn({ login: "ada@example.com", password: PASSWORD });
  const theirs = (await second.sessions()).find(({ current }) => !current);
  expect(theirs?.id).toBe(me?.session.id);
  await second.endSession(theirs!.id);
  await expect(second.endSession(theirs!.id)).rejects.toMatchObject({ code: "not_found" });

  const newPassword = "eight pale lanterns drift";
  await second.changePassword({ currentPassword: PASSWORD, newPassword });
  expect((await second.fetch(`${baseUrl}/me`)).status).toBe(200);
  await second.signOutEverywhere();
  expect(await second.getAccessToken()).toBeNull();
  expect(cookies.size).toBe(0);

  cookies = ours;
  expect(await tab().getAccessToken()).toBeNull();
});

live("what the server refuses has its code, its fields and its reason", async () => {
  const one = await signedIn("bob");
  const input = { email: "bob@example.com", password: PASSWORD };
  await expect(one.register(input)).rejects.toMatchObject({ code: "already_exists", status: 409 });
  const short = expect.objectContaining({ password: expect.any(String) });
  await expect(one.register({ ...input, password: "x" })).rejects.toMatchObject({
    code: "invalid_input",
    fields: short,
  });
  const wrong = one.signIn({ login: "bob@example.com", password: "x" });
  await expect(wrong).rejects.toMatchObject({ code: "invalid_credentials" });
  const states: unknown[] = [];
  const later = tab();
  later.onChange((state) => states.push(state));
  await later.session();
  const kept = new Map(cookies);
  await one.signOutEverywhere();
  cookies = kept;
  expect((await later.fetch(`${baseUrl}/me`)).status).toBe(401);
  expect(states.at(-1)).toEqual({ signedIn: false, reason: "signed_out" });
});

live("an answer that is lost is asked for again, and brings the very same", async () => {
  await signedIn("cleo");
  loses = 1;
  await expect(tab().getAccessToken()).rejects.toMatchObject({ code: "network" });
  expect(await tab().getAccessToken()).toBeTruthy();
  expect(await tab().getAccessToken()).toBeTruthy();
});

live("six tabs that renew at once need no leeway, though all answers are lost", async () => {
  await signedIn("dora");
  const renew = () => Promise.allSettled(Array.from({ length: 6 }, () => tab().getAccessToken()));
  loses = 6;
  await renew();
  for (const each of await renew()) expect(each).toMatchObject({ value: expect.any(String) });
});

live("signed out is signed out", async () => {
  const first = await signedIn("emil");
  const token = await first.getAccessToken();
  await first.signOut();
  const headers = { Authorization: `Bearer ${token}` };
  const answer = await network(`${baseUrl}/me`, { headers });
  expect(answer.status).toBe(401);
  expect(await tab().session()).toBeNull();
});
