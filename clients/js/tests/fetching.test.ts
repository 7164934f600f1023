import { getEventListeners } from "node:events";
import { beforeEach, expect, test, vi } from "vitest";
import { createAdmit } from "../src/index.js";
import { ADA, BASE, newWorld, refusal, seconds, settle, type Tab, type World } from "./world.js";

let world: World;
let open: (options?: object) => Tab;

beforeEach(() => {
  ({ world, open } = newWorld());
});

const ME = `${BASE}/me`;
const ECHO = `${BASE}/echo`;
const bearers = () => world.requests.map(({ headers }) => headers.get("Authorization"));

async function signedIn(options?: object): Promise<Tab> {
  const tab = open(options);
  await tab.signIn(ADA);
  world.requests = [];
  return tab;
}

/** The server does not take this token any more: its key was withdrawn, or the clock stood still. */
async function refuse(tab: Tab): Promise<void> {
  world.revokedTokens.add((await tab.getAccessToken())!);
}

test.each([
  ["a text", ME],
  ["a URL", new URL(ME)],
  ["a Request", new Request(ME)],
])("%s is sent with the token", async (_, input) => {
  const tab = await signedIn();
  expect((await tab.fetch(input)).status).toBe(200);
  expect(bearers()).toEqual([`Bearer ${await tab.getAccessToken()}`]);
});

test("what the caller says of a request stays, cookies as well", async () => {
  const tab = await signedIn();
  await tab.fetch(ME, { headers: { "X-Own": "1" } });
  expect(world.requests[0]!.headers.get("X-Own")).toBe("1");
  expect(world.requests[0]!.credentials).toBe("same-origin");
});

test.each(["https://evil.test/", "http://api.example.test/auth/me", "https://api.example.test:444/"])(
  "no token goes to %s, nor anything else",
  async (address) => {
    const tab = await signedIn();
    await expect(tab.fetch(address)).rejects.toThrow(TypeError);
    await expect(tab.fetch(new Request(address))).rejects.toThrow(/origins/);
    expect(world.requests).toEqual([]);
  },
);

test("origins that are named get it too", async () => {
  const tab = await signedIn({ origins: ["https://orders.example.test/any"] });
  await tab.fetch("https://orders.example.test/auth/me");
  expect(bearers()[0]).toMatch(/^Bearer s0/);
});

test.each(["http://orders.example.test", "ftp://localhost.example.test", "nonsense"])(
  "an origin on which others could read along (%s) can't be named",
  (origin) => {
    expect(() => open({ origins: [origin] })).toThrow(TypeError);
    expect(() => createAdmit({ baseUrl: `${origin}/auth` })).toThrow(TypeError);
  },
);

test.each(["http://localhost:8000/auth", "http://127.0.0.1:8000/auth", "http://[::1]:8000/auth/"])(
  "this machine may be asked without encryption: %s",
  (baseUrl) => createAdmit({ baseUrl }).close(),
);

test("a hundred refused requests are one refresh, and all repeated", async () => {
  const tab = await signedIn();
  await refuse(tab);
  const answers = await Promise.all(Array.from({ length: 100 }, () => tab.fetch(ME)));
  expect(answers.every(({ status }) => status === 200)).toBe(true);
  expect(world.times("/refresh")).toBe(1);
  expect(world.times("/me")).toBe(200);
});

test.each([
  ["text", "tea"],
  ["bytes", new TextEncoder().encode("tea")],
  ["a Blob", new Blob(["tea"])],
])("%s as a body is sent again", async (_, body) => {
  const tab = await signedIn();
  await refuse(tab);
  const answer = await tab.fetch(ECHO, { method: "POST", body });
  expect(await answer.text()).toBe("tea");
});

test("a Request with a body is sent again", async () => {
  const tab = await signedIn();
  await refuse(tab);
  const answer = await tab.fetch(new Request(ECHO, { method: "POST", body: "tea" }));
  expect(await answer.text()).toBe("tea");
});

test("a stream can't be sent again: the refusal stands", async () => {
  const tab = await signedIn();
  await refuse(tab);
  const body = new Blob(["tea"]).stream();
  const answer = await tab.fetch(ECHO, { method: "POST", body, duplex: "half" } as RequestInit);
  expect(answer.status).toBe(401);
  expect(world.times("/echo")).toBe(1);
});

test.each([
  [401, 'Bearer realm="admit", error="insufficient_user_authentication", max_age="300"'],
  [403, 'Bearer realm="admit", error="insufficient_scope"'],
  [403, 'Bearer error="invalid_token"'],
])("%i with %s starts no refresh", async (status, challenge) => {
  const tab = await signedIn();
  world.next("/me", refusal(status, "forbidden", {}, challenge));
  expect((await tab.fetch(ME)).status).toBe(status);
  expect(world.sent).not.toContain("/refresh");
});

test.each(["Bearer error=invalid_token", 'Bearer realm="x"', undefined])(
  "401 with %s starts one",
  async (challenge) => {
    const tab = await signedIn();
    world.next("/me", refusal(401, "invalid_token", {}, challenge));
    expect((await tab.fetch(ME)).status).toBe(200);
    expect(world.times("/refresh")).toBe(1);
  },
);

test("a server that refuses every token costs one refresh in ten seconds", async () => {
  const tab = await signedIn();
  for (let i = 0; i < 40; i++) world.next("/me", refusal(401, "invalid_token"));
  for (let i = 0; i < 10; i++) expect((await tab.fetch(ME)).status).toBe(401);
  expect(world.times("/refresh")).toBe(1);
  await seconds(11);
  for (let i = 0; i < 10; i++) expect((await tab.fetch(ME)).status).toBe(401);
  expect(world.times("/refresh")).toBe(2);
});

test("a request that was refused after somebody else renewed takes that token", async () => {
  const tab = await signedIn();
  const held = world.hold("/me");
  await refuse(tab);
  const late = tab.fetch(ME);
  await held.arrived;
  await tab.fetch(ME);
  held.release();
  expect((await late).status).toBe(200);
  expect(world.times("/refresh")).toBe(1);
});

test("a token that another tab renewed is no cure of ours: it may be refused as well", async () => {
  const tab = await signedIn();
  const held = world.hold("/me");
  await refuse(tab);
  const late = tab.fetch(ME);
  await held.arrived;
  await seconds(60);
  await open().getAccessToken();
  await settle();
  held.release();
  expect((await late).status).toBe(200);
  await refuse(tab);
  expect((await tab.fetch(ME)).status).toBe(200);
});

test("nobody is signed in: it is sent without a token, and the answer stands", async () => {
  const tab = open();
  expect((await tab.fetch(ME)).status).toBe(401);
  expect(world.requests.at(-1)!.headers.has("Authorization")).toBe(false);
  expect(world.sent).toEqual(["/refresh", "/me"]);
});

test("whoever is signed out by the refresh gets the refusal", async () => {
  const tab = await signedIn();
  world.session().ended = "revoked";
  expect((await tab.fetch(ME)).status).toBe(401);
  expect(tab.last()).toBe("out: revoked");
  expect(world.times("/me")).toBe(1);
});

test("what is refused while the server is away is an error, not a 401", async () => {
  const tab = await signedIn();
  await refuse(tab);
  world.next("/refresh", "lose");
  await expect(tab.fetch(ME)).rejects.toMatchObject({ code: "network" });
  expect(tab.last()).toBe("ada@example.com");
});

test("a caller that gives up waits no longer, the others do", async () => {
  const tab = await signedIn();
  await refuse(tab);
  const held = world.hold("/refresh");
  const gone = new AbortController();
  const one = expect(tab.fetch(ME, { signal: gone.signal })).rejects.toThrow("enough");
  const other = tab.fetch(ME);
  await held.arrived;
  gone.abort(new Error("enough"));
  await one;
  held.release();
  expect((await other).status).toBe(200);
});

test("nor does one wait that gave up before it asked", async () => {
  await signedIn();
  const tab = open();
  const held = world.hold("/refresh");
  await expect(tab.fetch(ME, { signal: AbortSignal.abort() })).rejects.toThrow("aborted");
  held.release();
});

test("a caller that gave up before sends nothing", async () => {
  const tab = await signedIn();
  const error = await tab.fetch(ME, { signal: AbortSignal.abort() }).catch((each) => each);
  expect(error.name).toBe("AbortError");
  expect(world.requests).toEqual([]);
});

test("a network that fails is the browser's own error", async () => {
  const tab = await signedIn();
  world.down = true;
  await expect(tab.fetch(ME)).rejects.toThrow(TypeError);
  await settle();
});

test("a relative baseUrl is the page's own", async () => {
  vi.stubGlobal("location", { href: "https://app.example.test/shop/cart" });
  const tab = createAdmit({ baseUrl: "/auth/" });
  await tab.getAccessToken();
  expect(world.requests[0]!.url).toBe("https://app.example.test/auth/refresh");
  tab.close();
});

test("what one asked for is not repeated for another who signed in meanwhile", async () => {
  world.people.set("bob@example.com", "x");
  const [one, two] = [await signedIn(), open()];
  let arrive = () => {};
  const late = new Promise<void>((resolve) => (arrive = resolve));
  vi.stubGlobal("fetch", async (...request: Parameters<typeof fetch>) => {
    if (request[0] instanceof Request && request[0].url.endsWith("/orders")) await late;
    return world.fetch(...request);
  });
  const order = one.fetch(`${BASE}/orders`, { method: "POST", body: "a sofa" });
  await settle();
  await two.signIn({ login: "bob@example.com", password: "x" });
  await settle();
  expect(one.last()).toBe("bob@example.com");
  arrive();
  expect((await order).status).toBe(401);
  expect(world.times("/orders")).toBe(1);
});

test("no listener stays on the signal of a request that is answered", async () => {
  const tab = await signedIn();
  let signal: AbortSignal | undefined;
  vi.stubGlobal("fetch", async (request: Request) => {
    ({ signal } = request);
    return new Response();
  });
  // Of a stream no second one is made, whose signal would listen as well.
  const body = new ReadableStream({ start: (controller) => controller.close() });
  await tab.fetch(ECHO, { method: "POST", body, duplex: "half" } as RequestInit);
  expect(getEventListeners(signal!, "abort")).toEqual([]);
});
