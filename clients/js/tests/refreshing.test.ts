import { beforeEach, describe, expect, test, vi } from "vitest";
import { ADA, newWorld, refusal, seconds, settle, type Storage, type Tab, type World } from "./world.js";

let world: World, storage: Storage, page: EventTarget & { hidden: boolean };
let open: (options?: object) => Tab;

beforeEach(() => {
  ({ world, storage, page, open } = newWorld());
});

/** A browser that is signed in, with a page that was opened anew. */
async function reopened(): Promise<Tab> {
  const first = open();
  await first.signIn(ADA);
  first.close();
  await seconds(60);
  return open();
}

test("a hundred who ask are one refresh", async () => {
  const tab = await reopened();
  const tokens = await Promise.all(Array.from({ length: 100 }, tab.getAccessToken));
  expect(new Set(tokens).size).toBe(1);
  expect(world.times("/refresh")).toBe(1);
});

test("the token is renewed ahead of time, by what the server said", async () => {
  const tab = open();
  await tab.signIn(ADA);
  const before = await tab.getAccessToken();
  await seconds(900 * 0.7 - 1);
  expect(world.times("/refresh")).toBe(0);
  await seconds(900 * 0.15 + 2);
  expect(world.times("/refresh")).toBe(1);
  expect(await tab.getAccessToken()).not.toBe(before);
});

test("tabs do not all renew in the same instant", async () => {
  const instants = new Set<number>();
  for (let i = 0; i < 5; i++) {
    const alone = newWorld();
    const start = performance.now();
    await alone.open().signIn(ADA);
    while (!alone.world.times("/refresh")) await seconds(1);
    instants.add(performance.now() - start);
  }
  expect(instants.size).toBeGreaterThan(1);
});

test.each([-1, 1])("a device's clock that is set by %i days changes nothing", async (days) => {
  const tab = open();
  await tab.signIn(ADA);
  const token = await tab.getAccessToken();
  vi.setSystemTime(Date.now() + days * 86_400_000);
  await seconds(60);
  expect(await tab.getAccessToken()).toBe(token);
  expect(world.times("/refresh")).toBe(0);
});

test("a tab that nobody sees renews when it is seen, or asked", async () => {
  const tab = open();
  await tab.signIn(ADA);
  page.hidden = true;
  await seconds(3600);
  expect(world.times("/refresh")).toBe(0);
  page.hidden = false;
  tab.window.dispatchEvent(new Event("visibilitychange"));
  await settle();
  expect(world.times("/refresh")).toBe(1);
  page.hidden = true;
  await seconds(3600);
  expect(await tab.getAccessToken()).toBeTruthy();
  expect(world.times("/refresh")).toBe(2);
});

describe("the key of a refresh", () => {
  test("is kept before it is sent", async () => {
    const tab = await reopened();
    const held = world.hold("/refresh");
    const asked = tab.getAccessToken();
    await held.arrived;
    expect(world.keys).toEqual([storage.find("key")]);
    held.release();
    await asked;
    // The next one stands there before anybody needs it: tabs that begin at once all find it.
    expect(storage.find("key")).not.toBeNull();
    expect(storage.find("key")).not.toBe(world.keys[0]);
  });

  test("is the same over all retries, also an hour and a page later", async () => {
    const tab = await reopened();
    for (let i = 0; i < 9; i++) world.next("/refresh", "lose answer");
    await expect(tab.getAccessToken()).rejects.toMatchObject({ code: "network" });
    await seconds(9);
    tab.close();
    world.forgive();
    await seconds(3600);
    expect(await open().getAccessToken()).toBeTruthy();
    expect(new Set(world.keys).size).toBe(1);
    expect(world.session()).toMatchObject({ generation: 1, ended: null });
  });

  test("is one for all tabs that begin in the same instant, should all answers be lost", async () => {
    const tabs = [await reopened(), open(), open()];
    for (const _ of tabs) world.next("/refresh", "lose answer");
    await Promise.allSettled(tabs.map((tab) => tab.getAccessToken()));
    for (const tab of tabs) tab.close();
    await seconds(3600);
    expect(await open().getAccessToken()).toBeTruthy();
    expect(new Set(world.keys).size).toBe(1);
    expect(world.session()).toMatchObject({ generation: 1, ended: null });
  });

  test("is another for the next refresh", async () => {
    const tab = await reopened();
    await tab.getAccessToken();
    await seconds(900);
    expect(new Set(world.keys).size).toBe(2);
  });

  test("is in memory where storage throws", async () => {
    const refuse = () => {
      throw new DOMException("denied", "SecurityError");
    };
    Object.assign(storage, { getItem: refuse, setItem: refuse, removeItem: refuse });
    const tab = await reopened();
    world.next("/refresh", "lose answer");
    await tab.getAccessToken().catch(() => {});
    await seconds(20);
    expect(world.keys.length).toBeGreaterThan(1);
    expect(new Set(world.keys).size).toBe(1);
    expect(await tab.getAccessToken()).toBeTruthy();
  });
});

describe("while the server is away", () => {
  test.each([
    ["network", () => "lose" as const],
    ["unavailable", () => refusal(503, "unavailable")],
    ["unavailable", () => new Response("<h1>Bad gateway</h1>", { status: 502 })],
    ["too_many_attempts", () => refusal(429, "too_many_attempts")],
    ["csrf_failed", () => refusal(403, "csrf_failed")],
    ["unexpected", () => new Response("<h1>Welcome to the train</h1>")],
    ["unexpected", () => new Response("<h1>Log in to the train</h1>", { status: 401 })],
    ["unexpected", () => Response.json({ code: "brewing" }, { status: 418 })],
    ["unexpected", () => Response.json({ access_token: "a b", expires_in: 9, user: { id: "x" } })],
    ["unexpected", () => Response.json([])],
  ])("%s signs nobody out", async (code, fate) => {
    const tab = await reopened();
    await tab.getAccessToken();
    await seconds(30);
    page.hidden = true;
    await seconds(900);
    world.next("/refresh", fate());
    await expect(tab.getAccessToken()).rejects.toMatchObject({ code });
    expect(tab.last()).toBe("ada@example.com");
    await seconds(1);
    expect(await tab.getAccessToken()).toBeTruthy();
  });

  test("a token that is still good is used though it could not be renewed", async () => {
    const tab = open();
    await tab.signIn(ADA);
    const token = await tab.getAccessToken();
    world.down = true;
    await seconds(897);
    expect(await tab.getAccessToken()).toBe(token);
    await seconds(4);
    await expect(tab.getAccessToken()).rejects.toMatchObject({ code: "network" });
  });

  test("a token about to end is not sent any more, where another can be had", async () => {
    const tab = open();
    await tab.signIn(ADA);
    page.hidden = true;
    const token = await tab.getAccessToken();
    await seconds(890);
    expect(await tab.getAccessToken()).toBe(token);
    await seconds(6);
    expect(await tab.getAccessToken()).not.toBe(token);
  });

  test("tries are further and further apart, up to a minute", async () => {
    const tab = await reopened();
    world.down = true;
    await tab.getAccessToken().catch(() => {});
    await seconds(3600);
    const tries = world.times("/refresh");
    expect(tries).toBeGreaterThan(60);
    expect(tries).toBeLessThan(140);
    const { length } = world.sent;
    await seconds(61);
    expect(world.sent.length - length).toBeGreaterThanOrEqual(1);
    expect(world.sent.length - length).toBeLessThanOrEqual(3);
    world.down = false;
    await seconds(61);
    expect(tab.last()).toBe("ada@example.com");
    expect(world.session()).toMatchObject({ generation: 1, ended: null });
  });

  test("Retry-After is heeded in the background", async () => {
    const tab = await reopened();
    world.next("/refresh", refusal(503, "unavailable", { retry_after: 300 }));
    await expect(tab.getAccessToken()).rejects.toMatchObject({ retryAfter: 300 });
    await seconds(299);
    expect(world.times("/refresh")).toBe(1);
    await seconds(2);
    expect(world.times("/refresh")).toBe(2);
  });

  test("a caller's own call tries at once, a second after a failure", async () => {
    const tab = await reopened();
    page.hidden = true; // nothing in the background
    world.down = true;
    for (let i = 0; i < 50; i++) await expect(tab.getAccessToken()).rejects.toThrow();
    expect(world.times("/refresh")).toBe(1);
    await seconds(1);
    world.down = false;
    expect(await tab.getAccessToken()).toBeTruthy();
  });

  test("an answer that does not come within 15 s is lost", async () => {
    const tab = await reopened();
    page.hidden = true;
    world.hold("/refresh");
    const asked = expect(tab.getAccessToken()).rejects.toMatchObject({ code: "network" });
    await seconds(15);
    await asked;
    expect(await tab.getAccessToken().catch((error) => error.code)).toBe("network");
    await seconds(1);
    expect(await tab.getAccessToken()).toBeTruthy();
    expect(new Set(world.keys).size).toBe(1);
  });

  test("going online is a reason to try", async () => {
    const tab = await reopened();
    world.down = true;
    await tab.getAccessToken().catch(() => {});
    await seconds(600);
    world.down = false;
    tab.window.dispatchEvent(new Event("online"));
    await settle();
    expect(tab.last()).toBe("ada@example.com");
  });

  test("going online renews nothing that is good", async () => {
    const tab = open();
    await tab.signIn(ADA);
    tab.window.dispatchEvent(new Event("online"));
    await settle();
    expect(world.times("/refresh")).toBe(0);
  });
});

test.each(["expired", "revoked", "reuse_detected", "password_changed"])(
  "a refusal signs out, and says that it is %s",
  async (reason) => {
    const tab = await reopened();
    await tab.getAccessToken();
    world.session().ended = reason;
    await seconds(900);
    expect(tab.last()).toBe(`out: ${reason}`);
    expect(await tab.getAccessToken()).toBeNull();
    const { length } = world.sent;
    await seconds(3600);
    expect(world.sent.length).toBe(length);
  },
);

test("where nobody is signed in there is no reason, and one question", async () => {
  const tab = open();
  expect(await tab.getAccessToken()).toBeNull();
  expect(await tab.session()).toBeNull();
  expect(tab.last()).toBe("out: null");
  expect(world.sent).toEqual(["/refresh"]);
});

test("a client that is closed does nothing by itself", async () => {
  const tab = open();
  await tab.signIn(ADA);
  tab.close();
  await seconds(3600);
  await tab.getAccessToken();
  world.sent = [];
  await seconds(3600);
  tab.window.dispatchEvent(new Event("online"));
  tab.window.dispatchEvent(new Event("visibilitychange"));
  await settle();
  expect(world.times("/refresh")).toBe(0);
});

test("a server whose tokens last no time is not asked in a loop", async () => {
  const tab = open();
  const user = { id: "x", email: ADA.login };
  world.next("/login", Response.json({ access_token: "a", expires_in: 0.001, user }));
  await tab.signIn(ADA);
  for (let n = 0; n < 50; n++) {
    world.next("/refresh", Response.json({ access_token: "a", expires_in: 0.001, user }));
  }
  await seconds(10);
  expect(world.times("/refresh")).toBeLessThanOrEqual(10);
});
