/** What somebody signed in with, in words, with its own text for those who point at it. */

import { foreign, plain } from "../elements.js";
import { named } from "../named.js";

/** @param {string | null} userAgent */
export function shownDevice(userAgent) {
  return foreign(named(userAgent), { title: userAgent ? plain(userAgent) : null });
}
