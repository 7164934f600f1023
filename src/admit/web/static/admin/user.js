/**
 * One account: what it is, its roles, its sessions, and what happened to it.
 *
 * @typedef {import("./api.js").User} User
 * @typedef {import("../admin.js").Visit} Visit
 */

import { lookedAgain } from "./again.js";
import { confirmed } from "./confirm.js";
import { button, element, foreign } from "../elements.js";
import { fact } from "./facts.js";
import { roles } from "./roles.js";
import { sessionsOf } from "./user-sessions.js";
import { trailOf } from "./trail.js";
import { state } from "./users.js";
import { moment, text } from "./words.js";

/** @param {Visit} visit */
export async function user(visit) {
  const { api, names, route, signal, titled } = visit;
  const { user: found } = await api.user(route.id ?? "", signal);
  if (signal.aborted) return;
  names.keep(found.id, found.email);
  titled(foreign(found.email), found.email);
  draw(visit, found);
}

/**
 * @param {Visit} visit
 * @param {User} found
 */
function draw(visit, found) {
  const again = () => lookedAgain(visit, user);
  visit.root.replaceChildren(
    element("p", { class: "back" }, element("a", { href: "#users" }, text("all_users"))),
    element("section", { class: "card" }, facts(found), switching(visit, found, again)),
    roles(visit, found, again),
    sessionsOf(visit, found, again),
    trailOf(visit, found),
  );
}

/** @param {User} user */
function facts(user) {
  return element(
    "dl",
    { class: "facts" },
    fact("state", [state(user), user.disabled_at && " ", user.disabled_at && moment(user.disabled_at)]),
    fact("username", [user.username && foreign(user.username)]),
    fact("verified", [text(user.email_verified ? "yes" : "no")]),
    fact("since", [moment(user.created_at)]),
    fact("id", [element("code", {}, user.id)]),
  );
}

/**
 * Disable or enable; nobody does it to themselves.
 *
 * @param {Visit} visit
 * @param {User} user
 * @param {() => Promise<void>} again
 */
function switching(visit, user, again) {
  const asks = () => (user.disabled_at === null ? disable(visit, user) : enable(visit, user));
  const pressed = async () => {
    if (await asks()) await again();
  };
  const own = user.id === visit.me.id;
  const words = text(user.disabled_at === null ? "disable" : "enable");
  return element(
    "div",
    { class: "switching" },
    own
      ? element("p", { class: "small" }, text("own_account"))
      : button(words, () => void pressed(), { class: user.disabled_at === null ? "danger" : null }),
  );
}

/**
 * @param {Visit} visit
 * @param {User} user
 */
function disable({ api }, user) {
  return confirmed({
    title: text("disable_title"),
    words: [foreign(user.email), text("disable_words")],
    action: text("disable"),
    work: () => api.disable(user.id),
  });
}

/**
 * @param {Visit} visit
 * @param {User} user
 */
function enable({ api }, user) {
  return confirmed({
    title: text("enable_title"),
    words: [foreign(user.email), text("enable_words")],
    action: text("enable"),
    work: () => api.enable(user.id),
  });
}
