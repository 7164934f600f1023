/**
 * A name and what it is, for a list of facts.
 *
 * @typedef {import("../elements.js").Child} Child
 */

import { element } from "../elements.js";
import { text } from "./words.js";

/**
 * @param {string} key of the name's words
 * @param {Child[]} children
 */
export function fact(key, children) {
  return element("div", {}, element("dt", {}, text(key)), element("dd", {}, ...children));
}
