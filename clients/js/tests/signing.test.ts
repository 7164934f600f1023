import { beforeEach, describe, expect, test, vi } from "vitest";
import { ADA, BASE, newWorld, refusal, seconds, settle, type Storage, type Tab, type World } from "./world.js";

let world: World, storage: Storage;
let open: (options?: object) => Tab;

beforeEach(() => {
  ({ world, storage, open } = newWorld());
});

/** The bodies and methods of what was sent to this path. */
const sent = (path: string) =>
  world.requests.filter(({ url }) => url.endsWith(path)).map(({ method }) => method);

test("signing in gives the user, and tells who listens", async () => {
  const tab = open();
  const user = await tab.signIn(ADA);
  expect(user.email).toBe("ada@example.com");
  expect(tab.states).toEqual([{ signedIn: true, user }]);
  expect(await tab.session()).toMatchObject({ user, session: { current: true } });
  expect(tab.states.length).toBe(1);
});

test("a refusal is told with all that goes with it", async () => {
  const tab = open();
  await expect(tab.signIn({ ...ADA, password: "no" })).rejects.toMatchObject({
    code: "invalid_credentials",
    status: 401,
    message: "It is invalid_credentials.",
  });
  const fields = { password: "at least 8 characters" };
  world.next("/register", refusal(422, "invalid_input", { fields }));
  const input = { email: "ada@example.com", password: "x" };
  await expect(tab.register(input)).rejects.toMatchObject({ code: "invalid_input", fields });
  world.next("/login", refusal(429, "too_many_attempts", { retry_after: 40, detail: "Wait." }));
  await expect(tab.signIn(ADA)).rejects.toMatchObject({ retryAfter: 40, message: "Wait." });
  world.down = true;
  await expect(tab.signIn(ADA)).rejects.toMatchObject({ code: "network" });
});

test("registering signs nobody in", async () => {
  const tab = open();
  const user = { id: "1", email: "bob@example.com" };
  world.next("/register", Response.json({ user }, { status: 201 }));
  expect(await tab.register({ email: user.email, password: "x" })).toEqual(user);
  expect(tab.states).toEqual([]);
});

test("each of the other verbs asks what the contract says", async () => {
  const tab = open();
  await tab.signIn(ADA);
  expect(await tab.sessions()).toEqual([{ id: "s0" }]);
  await tab.endSession("a/../b");
  await tab.changePassword({ currentPassword: "x", newPassword: "y" });
  expect(sent("/sessions/a%2F..%2Fb")).toEqual(["DELETE"]);
  expect(sent("/password")).toEqual(["POST"]);
  const own = world.requests.filter(({ headers }) => headers.has("Authorization"));
  expect(own.map(({ credentials }) => credentials)).toEqual(["omit", "omit", "omit"]);
  expect(world.requests.every(({ redirect }) => redirect === "error")).toBe(true);
});

test("what needs somebody who is signed in sends no password where nobody is", async () => {
  const tab = open();
  const change = tab.changePassword({ currentPassword: "x", newPassword: "y" });
  await expect(change).rejects.toMatchObject({ code: "unauthenticated" });
  expect(world.sent).toEqual(["/refresh"]);
});

test("a listener that throws keeps no other from hearing", async () => {
  const thrown: Error[] = [];
  vi.stubGlobal("queueMicrotask", (work: () => void) => {
    void Promise.resolve().then(work).catch((error: Error) => thrown.push(error));
  });
  const tab = open();
  tab.onChange(() => {
    throw new Error("the page's own");
  });
  const heard: boolean[] = [];
  const listener = ({ signedIn }: { signedIn: boolean }) => void heard.push(signedIn);
  const stop = tab.onChange(listener);
  tab.onChange(listener);
  await tab.signIn(ADA);
  stop();
  await tab.signOut();
  await settle();
  expect(heard).toEqual([true, true, false]);
  expect(thrown.length).toBe(2);
});

test("whoever asks while somebody signs in gets that token, without a refresh", async () => {
  const first = open();
  await first.signIn(ADA);
  const tab = open();
  const held = world.hold("/login");
  const signIn = tab.signIn(ADA);
  const asked = tab.getAccessToken();
  await held.arrived;
  held.release();
  await signIn;
  expect(await asked).toMatch(/^s1\./);
  expect(world.times("/refresh")).toBe(0);
});

test("roles that changed are told once somebody asks who is signed in", async () => {
  const tab = open();
  await tab.signIn(ADA);
  world.session().user.roles = ["staff"];
  await tab.session();
  expect(tab.states.at(-1)).toMatchObject({ user: { roles: ["staff"] } });
});

describe("signing out", () => {
  test("is at once, and ends the session at the server", async () => {
    const tab = open();
    await tab.signIn(ADA);
    const held = world.hold("/logout");
    const out = tab.signOut();
    expect(await tab.getAccessToken()).toBeNull();
    expect(tab.last()).toBe("out: signed_out");
    held.release();
    await out;
    expect(world.session().ended).toBe("signed_out");
    expect(world.cookie).toBe("");
    expect(storage.find("out")).toBeNull();
  });

  test("an answer that arrives afterwards brings nobody back", async () => {
    const first = open();
    await first.signIn(ADA);
    const tab = open();
    const held = world.hold("/refresh");
    const asked = tab.getAccessToken();
    await held.arrived;
    await tab.signOut();
    held.release();
    expect(await asked).toBeNull();
    await settle();
    expect(tab.last()).toBe("out: signed_out");
    expect(world.cookie).toBe("");
  });

  test("nor does one in another tab", async () => {
    const first = open();
    await first.signIn(ADA);
    const other = open();
    const held = world.hold("/refresh");
    const asked = other.getAccessToken();
    await held.arrived;
    await first.signOut();
    held.release();
    expect(await asked).toBeNull();
    expect(other.last()).toBe("out: signed_out");
    expect(world.cookie).toBe("");
  });

  test("holds while the server is away, also after a reload", async () => {
    const tab = open();
    await tab.signIn(ADA);
    world.down = true;
    await expect(tab.signOut()).rejects.toMatchObject({ code: "network" });
    tab.close();
    world.sent = [];
    const again = open();
    expect(await again.getAccessToken()).toBeNull();
    expect(again.last()).toBe("out: signed_out");
    expect(world.sent).not.toContain("/refresh");
    await seconds(120);
    world.down = false;
    await seconds(61);
    expect(world.session().ended).toBe("signed_out");
    expect(storage.find("out")).toBeNull();
    expect(world.sent).not.toContain("/refresh");
  });

  test("is tried again when the browser is online", async () => {
    const tab = open();
    await tab.signIn(ADA);
    world.down = true;
    await tab.signOut().catch(() => {});
    await seconds(600);
    world.down = false;
    tab.window.dispatchEvent(new Event("online"));
    await settle();
    expect(world.session().ended).toBe("signed_out");
  });

  test("is not heard where a portal's page answers", async () => {
    const tab = open();
    await tab.signIn(ADA);
    world.next("/logout", new Response("<h1>Welcome to the train</h1>"));
    await expect(tab.signOut()).rejects.toMatchObject({ code: "unexpected" });
    expect(storage.find("out")).not.toBeNull();
    await seconds(2);
    expect(world.session().ended).toBe("signed_out");
  });

  test("a wrong password takes none of it back, the right one does", async () => {
    const tab = open();
    await tab.signIn(ADA);
    world.next("/logout", "lose");
    world.next("/logout", "lose");
    await tab.signOut().catch(() => {});
    await tab.signIn({ ...ADA, password: "no" }).catch(() => {});
    expect(await tab.getAccessToken()).toBeNull();
    expect(storage.find("out")).not.toBeNull();
    await tab.signIn(ADA);
    expect(storage.find("out")).toBeNull();
    expect(await tab.getAccessToken()).toBeTruthy();
    expect(world.times("/logout")).toBe(1);
    await seconds(60);
    expect(world.session().ended).toBeNull();
    expect(world.times("/logout")).toBe(1);
  });

  test("is told later, where somebody fails to sign in meanwhile", async () => {
    const tab = open();
    await tab.signIn(ADA);
    const held = world.hold("/logout");
    const out = tab.signOut();
    await held.arrived;
    world.rows.get("s0")!.ended = null; // it did not get there
    const signIn = tab.signIn({ ...ADA, password: "no" });
    await expect(signIn).rejects.toMatchObject({ code: "invalid_credentials" });
    await out;
    await seconds(2);
    expect(world.session().ended).toBe("signed_out");
    expect(storage.find("out")).toBeNull();
  });

  test("in the middle of signing in ends the new session as well", async () => {
    const tab = open();
    const held = world.hold("/login");
    const signIn = expect(tab.signIn(ADA)).rejects.toMatchObject({ code: "unauthenticated" });
    await held.arrived;
    const out = tab.signOut();
    held.release();
    await signIn;
    await out;
    expect(world.session().ended).toBe("signed_out");
    expect(await tab.getAccessToken()).toBeNull();
  });

  test("ends the session also where its cookie is lost", async () => {
    const tab = open();
    await tab.signIn(ADA);
    world.cookie = null;
    await tab.signOut();
    expect(world.session().ended).toBe("signed_out");
  });

  test("that the server has not heard of is told by the next page, though it asks nothing", async () => {
    const tab = open();
    await tab.signIn(ADA);
    world.down = true;
    await tab.signOut().catch(() => {});
    tab.close();
    world.down = false;
    open();
    await settle();
    expect(world.session().ended).toBe("signed_out");
  });

  test("that waits for its turn ends nobody who signs in meanwhile", async () => {
    const tab = open();
    await tab.signIn(ADA);
    world.next("/logout", "lose");
    await tab.signOut().catch(() => {});
    const held = world.hold("/login");
    const signIn = tab.signIn(ADA);
    await held.arrived;
    await seconds(3);
    held.release();
    await signIn;
    await seconds(3);
    expect(world.times("/logout")).toBe(1);
    expect(world.session().ended).toBeNull();
  });

  test("stops a refresh that waits, whose page knows nothing of it but the mark", async () => {
    const tab = open();
    await tab.signIn(ADA);
    tab.close();
    const other = open();
    const held = world.hold("/login");
    const signIn = other.signIn({ ...ADA, password: "no" }).catch(() => {});
    const asked = other.getAccessToken();
    await held.arrived;
    storage.setItem(`admit ${BASE} out`, "1");
    held.release();
    await signIn;
    expect(await asked).toBeNull();
    expect(world.times("/refresh")).toBe(0);
  });

  test("is seen by an answer on its way, whose page knows nothing of it but the mark", async () => {
    const tab = open();
    await tab.signIn(ADA);
    tab.close();
    const other = open();
    const held = world.hold("/refresh");
    const asked = other.getAccessToken();
    await held.arrived;
    storage.setItem(`admit ${BASE} out`, "1");
    held.release();
    expect(await asked).toBeNull();
    expect(other.last()).toBe("out: signed_out");
  });

  test("everywhere ends all of them, and changes nothing where it fails", async () => {
    const tab = open();
    await tab.signIn(ADA);
    world.next("/logout/all", "lose");
    await expect(tab.signOutEverywhere()).rejects.toMatchObject({ code: "network" });
    expect(await tab.getAccessToken()).toBeTruthy();
    await tab.signOutEverywhere();
    expect(world.session().ended).toBe("signed_out");
    expect(tab.last()).toBe("out: signed_out");
    expect(world.cookie).toBe("");
    expect(world.sent).not.toContain("/logout");
  });
});

test("whoever signs out everywhere while a sign-in is under way is not brought back by it", async () => {
  const tab = open();
  await tab.signIn(ADA);
  let arrive = () => {};
  const late = new Promise<void>((resolve) => (arrive = resolve));
  vi.stubGlobal("fetch", async (...request: Parameters<typeof fetch>) => {
    if (request[0] === `${BASE}/login`) await late;
    return world.fetch(...request);
  });
  const signIn = tab.signIn(ADA);
  await tab.signOutEverywhere();
  arrive();
  await expect(signIn).rejects.toMatchObject({ code: "unauthenticated" });
  await seconds(1);
  expect(world.session().ended).toBe("signed_out");
  tab.close();
  expect(await open().getAccessToken()).toBeNull();
});

test("a refresh under way when somebody signs in does not put the old cookie back", async () => {
  const tab = open();
  await tab.signIn(ADA);
  const other = open();
  const held = world.hold("/refresh");
  const asked = other.getAccessToken();
  await held.arrived;
  world.people.set("bob@example.com", "x");
  await other.signIn({ login: "bob@example.com", password: "x" });
  held.release();
  const token = await asked;
  expect(token).toBe(await other.getAccessToken());
  expect(world.cookie).toBe("s1.0");
  expect(other.last()).toBe("bob@example.com");
});

test("a wrong password leaves whoever is signed in as they are", async () => {
  const tab = open();
  await tab.signIn(ADA);
  await tab.signIn({ ...ADA, password: "no" }).catch(() => {});
  expect(await tab.getAccessToken()).toBeTruthy();
  expect(tab.states.length).toBe(1);
});

test("nothing of value is kept", async () => {
  const tab = open();
  await tab.signIn(ADA);
  const token = await tab.getAccessToken();
  const kept = JSON.stringify([...storage.held]);
  expect(kept).not.toContain(token!);
  expect(kept).not.toContain(ADA.login);
  expect(kept).not.toContain(ADA.password);
  expect(JSON.stringify(tab)).not.toContain(token!);
  expect([...storage.held.keys()].map((name) => name.split(" ").at(-1)).sort()).toEqual([
    "epoch",
    "key",
  ]);
});

test("of a password and a token nothing gets into an error", async () => {
  const tab = open();
  world.down = true;
  const error = await tab.signIn(ADA).catch((each) => each);
  expect(`${error.stack} ${JSON.stringify(error)}`).not.toContain(ADA.password);
});
