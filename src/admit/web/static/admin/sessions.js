/**
 * Who signed in lately, and what became of it.
 *
 * @typedef {import("./api.js").SignIn} SignIn
 * @typedef {import("../admin.js").Visit} Visit
 */

import { lookedAgain } from "./again.js";
import { shownDevice } from "./device.js";
import { button, element, foreign, plain } from "../elements.js";
import { growing } from "./list.js";
import { hashOf } from "./route.js";
import { row, table } from "./table.js";
import { trouble } from "./trouble.js";
import { endOne, sessionLink } from "./user-sessions.js";
import { fact } from "./facts.js";
import { because, moment, text } from "./words.js";
import { now } from "../clock.js";

const COLUMNS = ["user", "device", "opened", "became", "actions"];

/** @param {Visit} visit */
export function sessions(visit) {
  const { api, names, root, signal } = visit;
  const columns = COLUMNS.map((key) => text(key));
  const { table: shown, body } = table(text("sessions"), columns);
  const list = growing({
    load: async (before, stale) => {
      const got = await api.signIns({ before }, stale);
      for (const each of got.sessions) if (each.user_id && each.email) names.keep(each.user_id, each.email);
      return { rows: got.sessions, next: got.next };
    },
    draw: (each) => line(visit, columns, each),
    body,
    shown,
    none: text("no_sign_ins"),
    signal,
  });
  root.append(shown, list.foot);
  return list.refresh();
}

/**
 * A row that shows the new truth by itself, once its session was ended.
 *
 * @param {Visit} visit
 * @param {string[]} columns
 * @param {SignIn} session
 * @returns {HTMLElement}
 */
function line(visit, columns, session) {
  const ended = async () => {
    try {
      const { session: now } = await visit.api.signIn(session.id, visit.signal);
      const drawn = line(visit, columns, now);
      made.replaceWith(drawn);
      drawn.querySelector("a")?.focus();
    } catch (error) {
      made.querySelector(".acts")?.replaceChildren(trouble(error, () => void ended()));
    }
  };
  const made = row(columns, cells(visit, session, ended), { marked: !living(session) });
  return made;
}

/**
 * @param {Visit} visit
 * @param {SignIn} session
 * @param {() => Promise<void>} ended
 */
function cells(visit, session, ended) {
  return [
    [who(session)],
    [
      session.expires_at === null ? shownDevice(session.user_agent) : sessionLink(session),
      session.current && element("span", { class: "badge good" }, text("this_one")),
      session.ip && element("div", { class: "small" }, foreign(session.ip)),
    ],
    [session.opened_at && moment(session.opened_at)],
    [became(session)],
    [living(session) && ending(visit, session, ended)],
  ];
}

/**
 * One session by itself.
 *
 * @param {Visit} visit
 */
export async function session(visit) {
  const { api, root, route, signal } = visit;
  const { session: found } = await api.signIn(route.id ?? "", signal);
  if (signal.aborted) return;
  visit.titled(text("session"), text("session"));
  const again = () => lookedAgain(visit, session);
  root.replaceChildren(
    element("p", { class: "back" }, element("a", { href: "#sessions" }, text("all_sessions"))),
    element(
      "section",
      { class: "card" },
      facts(found),
      living(found) && element("div", { class: "switching" }, ending(visit, found, again)),
    ),
  );
}

/** @param {SignIn} session */
function facts(session) {
  return element(
    "dl",
    { class: "facts" },
    fact("user", [who(session)]),
    fact("became", [became(session)]),
    fact("device", [shownDevice(session.user_agent)]),
    fact("user_agent", [session.user_agent && foreign(session.user_agent)]),
    fact("address", [session.ip && foreign(session.ip)]),
    fact("opened", [session.opened_at && moment(session.opened_at)]),
    fact("last_seen", [session.last_seen_at && moment(session.last_seen_at)]),
    fact("expires", [session.expires_at && moment(session.expires_at)]),
    fact("id", [element("code", {}, plain(session.id))]),
  );
}

/** @param {SignIn} session */
function who(session) {
  if (session.user_id === null) return null;
  const named = session.email ? foreign(session.email) : element("code", {}, plain(session.user_id));
  return element("a", { href: hashOf("users", { id: session.user_id }) }, named);
}

/**
 * @param {Visit} visit
 * @param {SignIn} session
 * @param {() => Promise<void>} ended
 */
function ending(visit, session, ended) {
  const pressed = async () => {
    if (await endOne(visit, { session, email: session.email })) await ended();
  };
  return button(text("end"), () => void pressed(), { class: "danger small-button" });
}

/** @param {SignIn} session */
function living({ ended_at: ended, expires_at: expires }) {
  return ended === null && expires !== null && Date.parse(expires) > now();
}

/** @param {SignIn} session */
function became(session) {
  if (living(session)) return element("span", { class: "badge good" }, text("living"));
  if (session.ended_at !== null) {
    return element(
      "span",
      {},
      element("span", { class: session.ended_because === "reuse_detected" ? "badge bad" : "badge" }, because(session.ended_because)),
      element("div", { class: "small" }, moment(session.ended_at)),
    );
  }
  return element("span", { class: "badge" }, text(session.expires_at === null ? "purged" : "expired"));
}
