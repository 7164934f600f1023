/**
 * An event in words: what happened, why, by whom, and what else was written down.
 *
 * @typedef {import("./api.js").Happened} Happened
 * @typedef {import("../elements.js").Child} Child
 * @typedef {import("./names.js").Names} Names
 */

import { element, foreign } from "../elements.js";
import { known, text } from "./words.js";

export const KINDS = [
  "signed_in",
  "sign_in_failed",
  "session_ended",
  "reuse_detected",
  "user_registered",
  "password_changed",
  "password_refused",
  "user_disabled",
  "user_enabled",
  "roles_changed",
  "key_published",
  "key_withdrawn",
  "limits_degraded",
  "limits_restored",
];
const ALARMING = ["reuse_detected", "limits_degraded", "key_withdrawn"];
const REFUSED = ["sign_in_failed", "password_refused"];

/**
 * @param {Happened} event
 * @param {Names} names
 * @returns {Child[]}
 */
export function what(event, names) {
  const tone = ALARMING.includes(event.kind) ? "badge bad" : REFUSED.includes(event.kind) ? "badge wary" : "badge";
  const { by, ...detail } = event.detail;
  return [
    element("span", { class: tone }, known("kind", event.kind)),
    event.reason && element("div", { class: "small" }, why(event.reason)),
    by && element("div", { class: "small" }, text("by"), " ", names.link(by)),
    ...Object.entries(detail).map(([name, value]) => more(name, value)),
  ];
}

/**
 * Why, in words; what has none here stands as it was written.
 *
 * @param {string} reason
 */
export function why(reason) {
  return foreign(known("why", reason));
}

/**
 * @param {string} name
 * @param {string} value
 */
function more(name, value) {
  return element("div", { class: "small" }, `${known("detail", name)}: `, foreign(value || "–"));
}
