import { beforeEach, describe, expect, test, vi } from "vitest";
import { ADA, BASE, newWorld, seconds, settle, type Storage, type Tab, type World } from "./world.js";

let world: World, storage: Storage;
let open: (options?: object) => Tab;

beforeEach(() => {
  ({ world, storage, open } = newWorld());
  world.people.set("bob@example.com", "x");
});

const BOB = { login: "bob@example.com", password: "x" };
const write = (name: string, value: string) => storage.setItem(`admit ${BASE} ${name}`, value);

/** Somebody signed in, and the page is loaded anew. */
async function reloaded(): Promise<Tab> {
  const tab = open();
  await tab.signIn(ADA);
  tab.close();
  return open();
}

describe("whatever else of this origin writes", () => {
  test.each([
    ["of other letters", "ключ"],
    ["of two lines", "1\n2"],
    ["without text", ""],
    ["of a megabyte", "1".repeat(1e6)],
  ])("a key %s is not sent", async (_, key) => {
    const tab = await reloaded();
    write("key", key);
    expect(await tab.getAccessToken()).toBeTruthy();
    expect(world.keys[0]).toMatch(/^\d+-\d+-\d+-\d+$/);
  });

  test("a mark without text is none, and asks for no refresh without end", async () => {
    const tab = await reloaded();
    write("out", "");
    expect(await tab.getAccessToken()).toBeTruthy();
    expect(world.times("/refresh")).toBe(1);
  });

  test.each(["Infinity", "1e308", "-5", "NaN", "x"])("an epoch of %s makes nobody deaf", async (epoch) => {
    const two = await reloaded();
    write("epoch", epoch);
    const one = open();
    expect(await two.getAccessToken()).toBeTruthy();
    await one.signIn(BOB);
    await settle();
    expect(two.last()).toBe("bob@example.com");
    vi.stubGlobal("BroadcastChannel", undefined);
    const deaf = open();
    expect(await deaf.getAccessToken()).toBeTruthy();
    await one.signOut();
    expect(await deaf.getAccessToken()).toBeNull();
  });

  test.each([Infinity, 1e308])("nor does a message of the epoch %s", async (epoch) => {
    const [one, two] = [open(), open()];
    await one.signIn(ADA);
    await settle();
    new BroadcastChannel(`admit ${BASE}`).postMessage({ epoch, out: "signed_out" });
    await settle();
    await one.signIn(BOB);
    await settle();
    expect(two.last()).toBe("bob@example.com");
  });
});

test("whoever signs in while another tab could not note its sign-out stays signed in", async () => {
  const [one, two] = [open(), open()];
  await one.signIn(ADA);
  storage.setItem = () => {
    throw new DOMException("full", "QuotaExceededError");
  };
  world.down = true;
  await one.signOut().catch(() => {});
  world.down = false;
  await two.signIn(BOB);
  await settle();
  expect(await one.getAccessToken()).toMatch(/^s1/);
  await seconds(120);
  expect(world.session().ended).toBeNull();
});

describe("where an app clears the storage", () => {
  async function cleared() {
    const [one, two] = [open(), open()];
    await one.signIn(ADA);
    await one.signOut();
    await one.signIn(ADA);
    await settle();
    storage.held.clear();
    two.window.dispatchEvent(Object.assign(new Event("storage"), { key: null }));
    return { one, two, later: open() };
  }

  test("a tab that is opened later tells the others of its sign-out", async () => {
    const { two, later } = await cleared();
    expect(await later.getAccessToken()).toBeTruthy();
    await later.signOut();
    await settle();
    expect(two.last()).toBe("out: signed_out");
  });

  test("and of who signs in", async () => {
    const { one, two, later } = await cleared();
    await later.signIn(BOB);
    await settle();
    expect([one.last(), two.last()]).toEqual(["bob@example.com", "bob@example.com"]);
  });
});
