/**
 * Where one user is signed in: end one, end all.
 *
 * @typedef {import("./api.js").User} User
 * @typedef {import("./api.js").Session} Session
 * @typedef {import("../admin.js").Visit} Visit
 */

import { confirmed } from "./confirm.js";
import { shownDevice } from "./device.js";
import { button, element, foreign } from "../elements.js";
import { hashOf } from "./route.js";
import { row, table } from "./table.js";
import { trouble } from "./trouble.js";
import { moment, text } from "./words.js";

const COLUMNS = ["device", "address", "opened", "last_seen", "actions"];

/**
 * @param {Visit} visit
 * @param {User} user
 * @param {() => Promise<void>} again
 */
export function sessionsOf(visit, user, again) {
  const place = element("div", { "aria-busy": "true" });
  void fill();

  async function fill() {
    try {
      const { sessions } = await visit.api.sessionsOf(user.id, visit.signal);
      if (!visit.signal.aborted) place.replaceChildren(...drawn(visit, user, sessions, again));
    } catch (error) {
      if (!visit.signal.aborted) place.replaceChildren(trouble(error, () => void fill()));
    } finally {
      place.removeAttribute("aria-busy");
    }
  }

  return element(
    "section",
    { class: "card", "aria-labelledby": "sessions-title" },
    element("h2", { id: "sessions-title" }, text("living_sessions")),
    place,
  );
}

/**
 * @param {Visit} visit
 * @param {User} user
 * @param {Session[]} sessions
 * @param {() => Promise<void>} again
 */
function drawn(visit, user, sessions, again) {
  if (sessions.length === 0) return [element("p", { class: "small" }, text("no_sessions"))];
  const columns = COLUMNS.map((key) => text(key));
  const { table: shown, body } = table(text("living_sessions"), columns);
  body.append(...sessions.map((each) => row(columns, cells(visit, user, each, again))));
  const all = async () => {
    if (await endAll(visit, user, sessions.length)) await again();
  };
  return [shown, button(text("end_all"), () => void all(), { class: "danger" })];
}

/**
 * @param {Visit} visit
 * @param {User} user
 * @param {Session} session
 * @param {() => Promise<void>} again
 */
function cells(visit, user, session, again) {
  const pressed = async () => {
    if (await endOne(visit, { session, email: user.email })) await again();
  };
  return [
    [sessionLink(session), session.current && element("span", { class: "badge good" }, text("this_one"))],
    [session.ip && foreign(session.ip)],
    [session.opened_at && moment(session.opened_at)],
    [session.last_seen_at && moment(session.last_seen_at)],
    [button(text("end"), () => void pressed(), { class: "danger small-button" })],
  ];
}

/** @param {Session} session */
export function sessionLink(session) {
  return element("a", { href: hashOf("sessions", { id: session.id }) }, shownDevice(session.user_agent));
}

/**
 * Ask, and end one session.
 *
 * @param {Visit} visit
 * @param {{ session: Session, email: string | null }} which
 */
export function endOne({ api, mine }, { session, email }) {
  const where = [shownDevice(session.user_agent), session.ip && " · ", session.ip && foreign(session.ip)];
  return confirmed({
    title: text("end_title"),
    words: [
      email && foreign(email),
      element("span", {}, ...where),
      text(session.id === mine ? "end_own_words" : "end_words"),
    ],
    action: text("end"),
    work: () => api.end(session.id),
  });
}

/**
 * @param {Visit} visit
 * @param {User} user
 * @param {number} count
 */
function endAll({ api, me }, user, count) {
  return confirmed({
    title: text("end_all_title"),
    words: [
      foreign(user.email),
      text("end_all_words", { count }),
      user.id === me.id && text("end_all_own_words"),
    ],
    action: text("end_all"),
    work: () => api.endAll(user.id),
  });
}
