/**
 * The audit trail: what happened, the newest first, with filters that stand in the address.
 *
 * @typedef {import("./api.js").Happened} Happened
 * @typedef {import("./api.js").User} User
 * @typedef {import("../admin.js").Visit} Visit
 */

import { shownDevice } from "./device.js";
import { element, foreign, plain } from "../elements.js";
import { what } from "./events.js";
import { filters } from "./filters.js";
import { growing } from "./list.js";
import { hashOf } from "./route.js";
import { row, table } from "./table.js";
import { moment, text } from "./words.js";

const COLUMNS = ["when", "what", "user", "from", "session"];
const WITHOUT_USER = COLUMNS.filter((each) => each !== "user");
/** How many of a user's events stand on the user's own page. */
const LATEST = 10;

/** @param {Visit} visit */
export function trail(visit) {
  const form = filters(visit, () => void list.refresh());
  const list = listed(visit, form.query, "trail", COLUMNS);
  visit.root.append(form.form, list.shown, list.foot);
  return list.refresh();
}

/**
 * What happened to one user lately, with a link to all of it.
 *
 * @param {Visit} visit
 * @param {User} user
 */
export function trailOf(visit, user) {
  const list = listed(visit, async () => ({ user_id: user.id, limit: LATEST }), "happened", WITHOUT_USER);
  void list.refresh();
  const all = hashOf("trail", { filters: { user: user.id } });
  return element(
    "section",
    { class: "card latest", "aria-labelledby": "trail-title" },
    element("h2", { id: "trail-title" }, text("happened")),
    list.shown,
    list.foot,
    element("p", {}, element("a", { href: all }, text("whole_trail"))),
  );
}

/**
 * @param {Visit} visit
 * @param {(signal: AbortSignal) => Promise<import("./api.js").Query | null>} query null: what was typed can't be asked for
 * @param {string} caption
 * @param {string[]} keys of the columns
 */
function listed(visit, query, caption, keys) {
  const columns = keys.map((key) => text(key));
  const { table: shown, body } = table(text(caption), columns);
  const list = growing({
    load: async (before, stale) => {
      const asked = await query(stale);
      if (asked === null) return { rows: [], next: null };
      const got = await visit.api.events({ ...asked, before }, stale);
      return { rows: got.events, next: got.next };
    },
    draw: (/** @type {Happened} */ event) => row(columns, keys.map((key) => cell(key, visit, event))),
    body,
    shown,
    none: text("no_events"),
    signal: visit.signal,
  });
  shown.classList.add("trail");
  return { shown, ...list };
}

/**
 * @param {string} key of the column
 * @param {Visit} visit
 * @param {Happened} event
 * @returns {import("../elements.js").Child[]}
 */
function cell(key, visit, event) {
  if (key === "when") return [moment(event.at)];
  if (key === "what") return what(event, visit.names);
  if (key === "user") return [event.user_id && visit.names.link(event.user_id)];
  if (key === "from") return from(event);
  return [event.session_id && sessionLink(event.session_id)];
}

/** @param {Happened} event */
function from(event) {
  return [
    event.user_agent && element("div", {}, shownDevice(event.user_agent)),
    event.ip && element("div", { class: "small" }, foreign(event.ip)),
  ];
}

/** @param {string} id */
function sessionLink(id) {
  const short = element("code", {}, plain(id.slice(0, 8)));
  return element("a", { href: hashOf("sessions", { id }), title: text("session") }, short);
}
