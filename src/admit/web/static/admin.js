/**
 * The admin page: who may see it, which section is shown, and what is done when that ends.
 *
 * The server refuses everybody else in any case, and this page has no data of its own.
 *
 * @typedef {object} Visit what a section is handed
 * @property {import("./admin/api.js").Administration} api
 * @property {import("./admin/names.js").Names} names
 * @property {HTMLElement} root where it draws
 * @property {import("./admin/route.js").Route} route
 * @property {AbortSignal} signal aborted when the section is left
 * @property {{ id: string, email: string }} me
 * @property {string} mine the id of the session that this page is in
 * @property {string} adminRole
 * @property {(heading: Node | string, title: string) => void} titled
 * @property {() => void} refocused puts the focus on the heading, where a change took it away
 */

import { activity } from "./admin/activity.js";
import { administration } from "./admin/api.js";
import { element, foreign, plain } from "./elements.js";
import { namesBy } from "./admin/names.js";
import { routeOf } from "./admin/route.js";
import { session, sessions } from "./admin/sessions.js";
import { trail } from "./admin/trail.js";
import { trouble } from "./admin/trouble.js";
import { user } from "./admin/user.js";
import { users } from "./admin/users.js";
import { text } from "./admin/words.js";
import { admit, byId, goTo, neverOld, page } from "./page.js";

/** @typedef {{ user: import("./client.js").User, session: import("./client.js").Session }} Who */

const ALL = { users, sessions, trail, activity };
const ONE = { users: user, sessions: session };
const name = document.title.split(" · ").at(-1) ?? "";
const api = administration(page.baseUrl, () => refuse("role_gone"));
const names = namesBy(api);
const heading = byId("heading");
const place = byId("section");

/** @type {Who | null} */
let who = null;
let left = false; // on the way to "why was I signed out"
let leaving = new AbortController();

async function start() {
  byId("loading").hidden = false;
  place.replaceChildren();
  try {
    const found = await admit.session();
    if (found) welcome(found);
    else if (!left) goTo(page.go.signIn ?? "", { return_to: here() });
  } catch (error) {
    place.replaceChildren(trouble(error, () => void start()));
  } finally {
    byId("loading").hidden = true;
  }
}

/** @param {Who} found */
function welcome(found) {
  who = found;
  byId("me").replaceChildren(foreign(found.user.email));
  if (!found.user.roles.includes(page.adminRole)) return refuse("not_for_you_words");
  byId("sections").hidden = false;
  visit();
}

/**
 * Say that this page is not for who is signed in, with the way to where they may be.
 *
 * @param {string} words
 */
function refuse(words) {
  leaving.abort();
  for (const dialog of document.querySelectorAll("dialog")) dialog.close();
  byId("sections").hidden = true;
  titled(text("not_for_you"), text("not_for_you"));
  const email = who ? plain(who.user.email) : "";
  place.replaceChildren(
    element("div", { class: "card" },
      element("p", {}, text(words, { email })),
      element("p", {}, element("a", { href: page.go.account ?? "" }, text("to_account"))),
    ),
  );
}

/** Show the section that the address names. */
function visit() {
  if (!who) return;
  leaving.abort();
  leaving = new AbortController();
  const route = routeOf(location.hash);
  const key = /** @type {keyof typeof ALL} */ (route.section);
  const show = route.id && key in ONE ? ONE[/** @type {keyof typeof ONE} */ (key)] : ALL[key];
  const root = element("div");
  point(key);
  titled(text(key), text(key));
  place.replaceChildren(root);
  void draw(root, show, { api, names, root, route, signal: leaving.signal, me: who.user, mine: who.session.id, adminRole: page.adminRole, titled, refocused });
}

/**
 * @param {HTMLElement} root
 * @param {(visit: Visit) => Promise<void>} show
 * @param {Visit} given
 */
async function draw(root, show, given) {
  byId("loading").hidden = root.hasChildNodes();
  try {
    await show(given);
  } catch (error) {
    if (!given.signal.aborted) root.replaceChildren(trouble(error, visit));
  } finally {
    if (!given.signal.aborted) byId("loading").hidden = true;
  }
}

/** @param {string} section */
function point(section) {
  for (const link of byId("sections").querySelectorAll("a")) {
    if (link.hash === `#${section}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

/**
 * @param {Node | string} words
 * @param {string} title
 */
function titled(words, title) {
  heading.replaceChildren(words);
  document.title = `${plain(title)} · ${text("title")} · ${name}`;
}

function refocused() {
  if (!document.activeElement || document.activeElement === document.body) heading.focus();
}

/** The address of this page with its section, to come back to. */
function here() {
  return location.pathname + location.search + location.hash;
}

for (const link of document.querySelectorAll(".languages a")) {
  link.addEventListener("click", () => {
    if (link instanceof HTMLAnchorElement) link.hash = location.hash; // the same place in another language
  });
}
neverOld();
addEventListener("hashchange", () => {
  visit();
  heading.focus(); // as if the link had led to another page: what is new begins here
});
admit.onChange((state) => {
  const before = who?.user.id;
  if (!state.signedIn) leave(state.reason);
  else if (before && state.user.id !== before) location.reload();
});

/**
 * Nobody is signed in any more: what is shown must not stay, and the reason is told.
 *
 * @param {string | null} reason
 */
function leave(reason) {
  if (!who && !reason) return; // nobody was signed in: `start` has the way to where one does that
  who = null;
  left = true;
  leaving.abort();
  place.replaceChildren();
  goTo(page.go.signedOut ?? "", { reason: reason ?? "other", return_to: here() });
}

void start();
