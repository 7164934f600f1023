/**
 * Accounts: searched as one types, page by page.
 *
 * @typedef {import("./api.js").User} User
 * @typedef {import("../admin.js").Visit} Visit
 */

import { element, foreign } from "../elements.js";
import { growing } from "./list.js";
import { hashOf, keepFilters } from "./route.js";
import { row, table } from "./table.js";
import { day, text } from "./words.js";

/** Milliseconds without a further letter after which the search is sent. */
const PAUSE = 200;

/** @param {Visit} visit */
export function users({ api, root, route, signal }) {
  const field = searchField(route.filters.get("search") ?? "");
  const columns = ["email", "roles", "since", "state"].map((key) => text(key));
  const { table: shown, body } = table(text("users"), columns);
  const list = growing({
    load: async (after, stale) => {
      const got = await api.users({ search: field.value.trim(), after }, stale);
      return { rows: got.users, next: got.next };
    },
    draw: (user) => row(columns, cells(user), { marked: user.disabled_at !== null }),
    body,
    shown,
    none: text("no_users"),
    signal,
  });
  searching(field, signal, () => {
    keepFilters("users", { search: field.value.trim() });
    void list.refresh();
  });
  root.append(searchForm(field), shown, list.foot);
  return list.refresh();
}

/** @param {User} user */
function cells(user) {
  return [
    [
      element("a", { href: hashOf("users", { id: user.id }) }, foreign(user.email)),
      user.username && element("div", { class: "small" }, foreign(user.username)),
    ],
    [chips(user.roles)],
    [day(user.created_at)],
    [state(user)],
  ];
}

/** @param {string[]} roles */
export function chips(roles) {
  if (roles.length === 0) return element("span", { class: "small" }, text("no_roles"));
  return element("span", { class: "chips" }, ...roles.map((role) => foreign(role, { class: "chip" })));
}

/** @param {User} user */
export function state(user) {
  return user.disabled_at === null
    ? element("span", { class: "small" }, text("enabled"))
    : element("span", { class: "badge bad" }, text("disabled"));
}

/** @param {string} value */
function searchField(value) {
  return element("input", {
    type: "search",
    id: "search",
    value,
    autocomplete: "off",
    autocapitalize: "none",
    spellcheck: "false",
    maxlength: 254,
  });
}

/** @param {HTMLInputElement} field */
function searchForm(field) {
  const label = element("label", { for: field.id }, text("search_label"));
  return element("form", { class: "filters", role: "search", method: "post" }, element("div", { class: "field wide" }, label, field));
}

/**
 * Call when the typing pauses, and at once for Enter.
 *
 * @param {HTMLInputElement} field
 * @param {AbortSignal} signal
 * @param {() => void} search
 */
function searching(field, signal, search) {
  let waiting = 0;
  const later = (/** @type {number} */ pause) => {
    clearTimeout(waiting);
    waiting = setTimeout(search, pause);
  };
  field.addEventListener("input", () => later(PAUSE));
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault(); // the form has nowhere to go
    later(0);
  });
  signal.addEventListener("abort", () => clearTimeout(waiting));
}
