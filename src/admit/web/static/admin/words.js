/**
 * The page's words in the reader's language, with numbers and times as they are written there.
 */

import { element, plain } from "../elements.js";
import { locale, page } from "../page.js";

/** @type {Record<string, string>} */
const words = page.texts.admin ?? {};
const plural = new Intl.PluralRules(page.lang);
const numbers = new Intl.NumberFormat(locale);
const days = new Intl.DateTimeFormat(locale, { dateStyle: "medium" });
const moments = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
const exact = new Intl.DateTimeFormat(locale, { dateStyle: "full", timeStyle: "long" });

/**
 * @param {string} key
 * @param {Record<string, string | number>} [values] where `count` is among them, its plural is taken
 */
export function text(key, values = {}) {
  const found = typeof values["count"] === "number" ? `${key}_${plural.select(values["count"])}` : key;
  const sentence = words[found] ?? words[key] ?? key;
  return sentence.replace(/\{(\w+)\}/g, (whole, name) => written(values[name] ?? whole));
}

/**
 * The words for one of many values; the value itself where there are none.
 *
 * @param {string} kind
 * @param {string} value
 */
export function known(kind, value) {
  const key = `${kind}_${value}`;
  return Object.hasOwn(words, key) ? text(key) : plain(value);
}

/** @param {number} number */
export function count(number) {
  return numbers.format(number);
}

/** @param {string | null} because why a session ended */
export function because(because) {
  return known("because", because ?? "unknown");
}

/** @param {string} instant RFC 3339 */
export function day(instant) {
  return timed(instant, days);
}

/** @param {string} instant RFC 3339 */
export function moment(instant) {
  return timed(instant, moments);
}

/** @param {Intl.DateTimeFormatOptions} how */
export function dated(how) {
  const format = new Intl.DateTimeFormat(locale, how);
  return (/** @type {Date} */ at) => format.format(at);
}

/**
 * @param {string} instant
 * @param {Intl.DateTimeFormat} format
 */
function timed(instant, format) {
  const at = new Date(instant);
  return element("time", { datetime: instant, title: exact.format(at) }, format.format(at));
}

/** @param {string | number} value */
function written(value) {
  return typeof value === "number" ? count(value) : plain(value);
}
