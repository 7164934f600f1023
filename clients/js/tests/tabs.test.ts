import { beforeEach, describe, expect, test, vi } from "vitest";
import { ADA, BASE, newWorld, seconds, settle, type Storage, type Tab, type World } from "./world.js";

let world: World, storage: Storage;
let open: (options?: object) => Tab;

beforeEach(() => {
  ({ world, storage, open } = newWorld());
  world.people.set("bob@example.com", "x");
});

const BOB = { login: "bob@example.com", password: "x" };
const deaf = () => vi.stubGlobal("BroadcastChannel", undefined);

/** What another version of the client, or anything else on this origin, may say. */
function say(message: unknown): void {
  const channel = new BroadcastChannel(`admit ${BASE}`);
  channel.postMessage(message);
}

test("five tabs need one refresh", async () => {
  const tabs = [open(), open(), open(), open(), open()];
  await tabs[0]!.signIn(ADA);
  await settle();
  await seconds(900 * 0.7 - 1);
  expect(world.times("/refresh")).toBe(0);
  await seconds(900 * 0.15 + 2);
  expect(world.times("/refresh")).toBe(1);
  const tokens = await Promise.all(tabs.map((tab) => tab.getAccessToken()));
  expect(new Set(tokens).size).toBe(1);
  expect(tabs.map((tab) => tab.last())).toEqual(Array(5).fill("ada@example.com"));
});

test("a sign-out is known to all of them at once", async () => {
  const [one, two] = [open(), open()];
  await one.signIn(ADA);
  await settle();
  expect(two.last()).toBe("ada@example.com");
  const held = world.hold("/logout");
  void two.signOut();
  await settle();
  expect(one.last()).toBe("out: signed_out");
  expect(await one.getAccessToken()).toBeNull();
  held.release();
});

test("another user who signs in is told to the others as such", async () => {
  const [one, two] = [open(), open()];
  await one.signIn(ADA);
  await settle();
  await two.signIn(BOB);
  await settle();
  expect(one.last()).toBe("bob@example.com");
  expect((await one.session())?.user.email).toBe("bob@example.com");
  expect(world.times("/refresh")).toBe(0);
});

test("an answer about whoever was signed in before changes nothing", async () => {
  const [one, two] = [open(), open()];
  await one.signIn(ADA);
  const held = world.hold("/me");
  const asked = one.session();
  await held.arrived;
  await two.signIn(BOB);
  await settle();
  held.release();
  await asked;
  await settle();
  expect(one.last()).toBe("bob@example.com");
});

test("what one is refused, all know at once, with the reason", async () => {
  const [one, two] = [open(), open()];
  await one.signIn(ADA);
  await settle();
  world.session().ended = "reuse_detected";
  await one.fetch(`${BASE}/me`);
  await settle();
  await settle();
  expect(two.last()).toBe("out: reuse_detected");
});

describe("while somebody signs in in one tab", () => {
  /** Ada is signed in; another tab, which has no token, renews; its answer is on its way. */
  async function renewing() {
    const one = open();
    await one.signIn(ADA);
    const two = open();
    const refresh = world.hold("/refresh");
    const asked = two.getAccessToken();
    await refresh.arrived;
    return { one, two, refresh, asked };
  }

  test("the cookie of an answer to another tab does not take the new one's place", async () => {
    const { one, refresh, asked } = await renewing();
    const login = world.hold("/login");
    const signIn = one.signIn(BOB);
    await login.arrived;
    await settle();
    refresh.release();
    await settle();
    expect(world.times("/refresh")).toBe(1);
    login.release();
    await signIn;
    expect(await asked).toMatch(/^s1/);
    expect(world.cookie).toBe("s1.0");
    await seconds(10);
    expect(world.times("/refresh")).toBe(1);
  });

  test("the others wait, and go on with the same key where it fails", async () => {
    const { one, asked } = await renewing();
    await expect(one.signIn({ ...BOB, password: "no" })).rejects.toThrow();
    expect(await asked).toMatch(/^s0/);
    expect(world.times("/refresh")).toBe(2);
    expect(new Set(world.keys).size).toBe(1);
  });

  test("the others wait as long as a sign-in may take and no longer, should it die", async () => {
    const { two, asked } = await renewing();
    say({ hold: true });
    await seconds(14);
    expect(world.times("/refresh")).toBe(1);
    await seconds(2);
    expect(await asked).toMatch(/^s0/);
    expect(two.last()).toBe("ada@example.com");
  });

  test("a token that is good is used in the others", async () => {
    const [one, two] = [open(), open()];
    await one.signIn(ADA);
    await settle();
    const login = world.hold("/login");
    const signIn = one.signIn(BOB);
    await login.arrived;
    expect(await two.getAccessToken()).toMatch(/^s0/);
    login.release();
    await signIn;
  });
});

describe("a sign-out is not undone by a message", () => {
  async function signedOut() {
    const [one, two] = [open(), open()];
    await one.signIn(ADA);
    await settle();
    const epoch = Number(storage.find("epoch"));
    const message = { epoch, token: "s0.9.9e9", left: 900_000, user: { id: "x", email: "thief" } };
    return { one, two, message };
  }

  test("that is older", async () => {
    const { one, two, message } = await signedOut();
    await one.signOut();
    say(message);
    await settle();
    expect(two.last()).toBe("out: signed_out");
    expect(await two.getAccessToken()).toBeNull();
  });

  test("of its own time", async () => {
    const { one, two, message } = await signedOut();
    await one.signOut();
    say({ ...message, epoch: Number(storage.find("epoch")) });
    await settle();
    expect(two.last()).toBe("out: signed_out");
  });

  test("which was said before this page was opened", async () => {
    const { one, message } = await signedOut();
    one.close();
    const tab = open();
    say({ ...message, epoch: message.epoch - 0.5 });
    await settle();
    expect(tab.last()).toBe("nothing");
  });

  test("nor is a refusal", async () => {
    const { one, message } = await signedOut();
    world.session().ended = "revoked";
    await one.fetch(`${BASE}/me`);
    say(message);
    await settle();
    expect(one.last()).toBe("out: revoked");
  });
});

test.each([
  null,
  "out",
  {},
  { epoch: "x", out: "signed_out" },
  { look: true },
  { epoch: 9, out: "because" },
  { epoch: 9, token: "a b", left: 1000, user: { id: "x" } },
  { epoch: 9, token: "a", left: -1, user: { id: "x" } },
  { epoch: 9, token: "a", left: 1000 },
])("what is no message of ours (%o) changes nothing", async (message) => {
  const tab = open();
  await tab.signIn(ADA);
  const token = await tab.getAccessToken();
  say(message);
  await settle();
  expect(await tab.getAccessToken()).toBe(token);
  expect(tab.states.length).toBe(1);
});

test("a token that ends sooner does not replace one that ends later", async () => {
  const tab = open();
  await tab.signIn(ADA);
  const token = await tab.getAccessToken();
  say({ epoch: Number(storage.find("epoch")), token: "a", left: 1000, user: { id: "x" } });
  await settle();
  expect(await tab.getAccessToken()).toBe(token);
});

test("no refresh token is ever told, nor kept", async () => {
  const heard: unknown[] = [];
  const channel = new BroadcastChannel(`admit ${BASE}`);
  channel.onmessage = ({ data }) => void heard.push(data);
  const tab = open();
  await tab.signIn(ADA);
  await seconds(900);
  await tab.signOut();
  await settle();
  expect(heard.length).toBe(4);
  expect(JSON.stringify(heard)).not.toMatch(/s0\.\d+"/);
});

describe("where tabs can't speak to each other", () => {
  test("because that is refused, as storage is, one signs in all the same", async () => {
    vi.stubGlobal(
      "BroadcastChannel",
      class {
        constructor() {
          throw new DOMException("The operation is insecure.", "SecurityError");
        }
      },
    );
    const tab = open();
    await tab.signIn(ADA);
    expect(await tab.getAccessToken()).toBeTruthy();
  });

  test("a sign-out is known at the next call", async () => {
    deaf();
    const [one, two] = [open(), open()];
    await one.signIn(ADA);
    expect(await two.getAccessToken()).toBeTruthy();
    await one.signOut();
    expect(await two.getAccessToken()).toBeNull();
    expect(two.last()).toBe("out: null");
  });

  test("or when the storage tells of it", async () => {
    deaf();
    const [one, two] = [open(), open()];
    await one.signIn(ADA);
    await two.getAccessToken();
    await one.signOut();
    two.window.dispatchEvent(new Event("storage"));
    await seconds(1);
    expect(two.last()).toBe("out: null");
  });

  test("so is somebody who signs in", async () => {
    deaf();
    const [one, two] = [open(), open()];
    expect(await two.getAccessToken()).toBeNull();
    await one.signIn(ADA);
    expect(await two.getAccessToken()).toBeTruthy();
    await one.signIn(BOB);
    expect((await two.session())?.user.email).toBe("bob@example.com");
    expect(two.last()).toBe("bob@example.com");
  });

  test("six tabs that renew in the same instant are one session", async () => {
    deaf();
    const tabs = [open(), open(), open(), open(), open(), open()];
    await tabs[0]!.signIn(ADA);
    for (let round = 0; round < 5; round++) {
      await seconds(901);
      await Promise.all(tabs.map((tab) => tab.getAccessToken()));
    }
    expect(tabs.map((tab) => tab.last())).toEqual(Array(6).fill("ada@example.com"));
    expect(world.session().ended).toBeNull();
  });

  test("an answer that was under way during another tab's sign-out brings nobody back", async () => {
    deaf();
    const [one, two] = [open(), open()];
    await one.signIn(ADA);
    const held = world.hold("/refresh");
    const asked = two.getAccessToken();
    await held.arrived;
    world.down = true;
    await one.signOut().catch(() => {});
    held.release();
    expect(await asked).toBeNull();
  });
});

test("nor does one of a sign-out that the server has heard of", async () => {
  deaf();
  const [one, two] = [open(), open()];
  await one.signIn(ADA);
  const held = world.hold("/refresh");
  const asked = two.getAccessToken();
  await held.arrived;
  await one.signOut();
  held.release();
  expect(await asked).toBeNull();
  expect(two.states.every(({ signedIn }) => !signedIn)).toBe(true);
});

describe("a page that was put away and comes back", () => {
  async function putAway() {
    const [one, two] = [open(), open()];
    await one.signIn(ADA);
    await settle();
    one.window.dispatchEvent(new Event("pagehide"));
    const back = async () => {
      one.window.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: true }));
      await seconds(1);
    };
    return { one, two, back };
  }

  test("knows that somebody signed out", async () => {
    const { one, two, back } = await putAway();
    await two.signOut();
    await settle();
    expect(one.last()).toBe("ada@example.com");
    await back();
    expect(one.last()).toBe("out: null"); // the cookie is gone, and with it whoever could say why
  });

  test("knows that the session was ended elsewhere", async () => {
    const { one, back } = await putAway();
    world.session().ended = "revoked";
    await back();
    expect(one.last()).toBe("out: revoked");
  });

  test("knows that somebody else signed in, and hears again", async () => {
    const { one, two, back } = await putAway();
    await two.signIn(BOB);
    await back();
    expect(one.last()).toBe("bob@example.com");
    await two.signOut();
    await settle();
    expect(one.last()).toBe("out: signed_out");
  });
});

test("a tab that saw in the storage who signed in, before it was told, waits no longer", async () => {
  const one = open();
  await one.signIn(ADA);
  const two = open();
  say({ hold: true });
  await settle();
  let said: string | null | undefined;
  void two.getAccessToken().then((token) => (said = token));
  const epoch = Number(storage.find("epoch")) + 1;
  storage.setItem(`admit ${BASE} epoch`, `${epoch}`);
  two.window.dispatchEvent(Object.assign(new Event("storage"), { key: null }));
  say({ epoch, token: "a", left: 900_000, user: { id: "bob@example.com" } });
  await settle();
  expect(said).toBe("a");
});
