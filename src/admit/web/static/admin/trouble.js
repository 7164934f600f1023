/** What went wrong, in words, and the way on. */

import { button, element } from "../elements.js";
import { text } from "./words.js";
import { explain, known } from "../page.js";

/**
 * @param {unknown} error
 * @returns {string}
 */
export function wrong(error) {
  const { code, detail, fields } = /** @type {import("../ask.js").Refused} */ (known(error));
  if (code === "not_found") return text("not_there");
  if (code === "invalid_input" && fields && ["add", "remove", "roles"].some((each) => each in fields)) return text("wanted_role");
  if (code === "forbidden" && detail) return text("told", { detail });
  return explain(error);
}

/**
 * A box that says it, with a button to try again.
 *
 * @param {unknown} error
 * @param {() => void} again
 */
export function trouble(error, again) {
  const words = element("p", {}, wrong(error));
  return element("div", { class: "notice wrong trouble", role: "alert" }, words, button(text("again"), again));
}
