/**
 * Where one is, as the part of the address behind `#`: `users?search=ada`, `users/ID`, `trail?kind=…`.
 *
 * It never reaches the server, and holds what is needed to come back: the section, one thing's id
 * and the filters.
 *
 * @typedef {{ section: string, id: string | null, filters: URLSearchParams }} Route
 */

export const SECTIONS = ["users", "sessions", "trail", "activity"];

/**
 * @param {string} hash with its `#`, or empty
 * @returns {Route} the first section where the hash names none
 */
export function routeOf(hash) {
  const [path = "", query = ""] = split(hash.replace(/^#/, ""), "?");
  const [section = "", id = ""] = split(path, "/");
  const known = SECTIONS.includes(section);
  return {
    section: known ? section : "users",
    id: known && id ? decoded(id) : null,
    filters: new URLSearchParams(query),
  };
}

/**
 * @param {string} section
 * @param {{ id?: string | null, filters?: Record<string, string> }} [more] empty filters are left out
 */
export function hashOf(section, { id = null, filters = {} } = {}) {
  const given = Object.entries(filters).filter(([, value]) => value !== "");
  const query = new URLSearchParams(given).toString();
  return `#${section}${id ? `/${encodeURIComponent(id)}` : ""}${query ? `?${query}` : ""}`;
}

/**
 * Keep the filters in the address without a step in the history: "back" leaves the section.
 *
 * @param {string} section
 * @param {Record<string, string>} filters
 */
export function keepFilters(section, filters) {
  history.replaceState(history.state, "", hashOf(section, { filters }));
}

/**
 * @param {string} text
 * @param {string} at
 */
function split(text, at) {
  const place = text.indexOf(at);
  return place < 0 ? [text] : [text.slice(0, place), text.slice(place + 1)];
}

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a stray %: no id of ours, and the server says that there is nothing
  }
}
