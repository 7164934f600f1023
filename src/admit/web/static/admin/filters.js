/**
 * What the trail is asked for: a user by address or id, a kind, and since which day.
 *
 * @typedef {import("./api.js").Query} Query
 * @typedef {import("../admin.js").Visit} Visit
 */

import { button, element } from "../elements.js";
import { KINDS } from "./events.js";
import { keepFilters } from "./route.js";
import { known, text } from "./words.js";

/** An id as Admit makes them; those of an app may look otherwise. */
const OUR_ID = /^[0-9a-f]{32}$/;
/** Milliseconds without a further letter after which the trail is asked for. */
const PAUSE = 400;

/**
 * @param {Visit} visit
 * @param {() => void} changed
 */
export function filters(visit, changed) {
  const given = visit.route.filters;
  const user = field("user", { type: "text", value: given.get("user") ?? "", autocomplete: "off", autocapitalize: "none", spellcheck: "false", "aria-describedby": "user-wrong" });
  const since = field("since", { type: "date", value: given.get("since") ?? "" });
  const kind = kinds(given.get("kind") ?? "");
  const said = element("p", { class: "wrong", id: "user-wrong", role: "alert" });
  const form = element(
    "form",
    { class: "filters", method: "post", novalidate: true },
    labelled("user_filter", user, said),
    labelled("kind", kind),
    labelled("since_day", since),
    button(text("clear"), clear),
  );
  const values = () => ({ user: user.value.trim(), kind: kind.value, since: since.value });

  function clear() {
    user.value = kind.value = since.value = "";
    apply();
  }

  function apply() {
    keepFilters("trail", values());
    changed();
  }

  listening(form, [user], [kind, since], apply, visit.signal);

  /**
   * @param {AbortSignal} signal
   * @returns {Promise<Query | null>}
   */
  async function query(signal) {
    const { user: who, kind: one, since: day } = values();
    const id = who && (await whose(visit, who, signal));
    said.textContent = who && !id ? text("no_such_user") : "";
    user.setAttribute("aria-invalid", String(Boolean(who && !id)));
    return who && !id ? null : { user_id: id, kind: one, since: instant(day) };
  }

  return { form, query };
}

/**
 * The id of the user with this id, address or name; empty where there is none, or several might be meant.
 *
 * @param {Visit} visit
 * @param {string} who
 * @param {AbortSignal} signal
 */
async function whose({ api, names }, who, signal) {
  if (OUR_ID.test(who)) return who; // also that of a user who is gone: the trail outlives them
  const { users } = await api.users({ search: who, limit: 200 }, signal);
  const same = users.filter(({ email, username }) => [email, username].some((each) => alike(each, who)));
  const one = same[0] ?? (users.length === 1 ? users[0] : undefined);
  if (one) names.keep(one.id, one.email);
  return one?.id ?? ((await names.of(who)) ? who : "");
}

/**
 * @param {string | null} one
 * @param {string} other
 */
function alike(one, other) {
  return one !== null && one.normalize("NFC").toLowerCase() === other.normalize("NFC").toLowerCase();
}

/**
 * When that day begins where the reader is.
 *
 * @param {string} day as `2026-11-26`, or empty
 */
function instant(day) {
  const begins = new Date(`${day}T00:00:00`);
  return Number.isNaN(begins.getTime()) ? "" : begins.toISOString();
}

/**
 * @param {HTMLFormElement} form
 * @param {HTMLElement[]} typed asked for when the typing pauses
 * @param {HTMLElement[]} chosen asked for at once
 * @param {() => void} apply
 * @param {AbortSignal} signal
 */
function listening(form, typed, chosen, apply, signal) {
  let waiting = 0;
  const later = (/** @type {number} */ pause) => {
    clearTimeout(waiting);
    waiting = setTimeout(apply, pause);
  };
  for (const each of typed) each.addEventListener("input", () => later(PAUSE));
  for (const each of chosen) each.addEventListener("change", () => later(0));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    later(0);
  });
  signal.addEventListener("abort", () => clearTimeout(waiting));
}

/**
 * @param {string} name
 * @param {import("../elements.js").Attributes} attributes
 */
function field(name, attributes) {
  return element("input", { id: `filter-${name}`, ...attributes });
}

/** @param {string} chosen */
function kinds(chosen) {
  const options = KINDS.map((each) =>
    element("option", { value: each, selected: each === chosen }, known("kind", each)),
  );
  return element("select", { id: "filter-kind" }, element("option", { value: "" }, text("every_kind")), ...options);
}

/**
 * @param {string} key
 * @param {HTMLElement} field
 * @param {HTMLElement} [said]
 */
function labelled(key, field, said) {
  return element("div", { class: "field" }, element("label", { for: field.id }, text(key)), field, said);
}
