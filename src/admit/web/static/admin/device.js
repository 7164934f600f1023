/** What somebody signed in with, in words, with its own text for those who point at it. */

import { foreign, plain } from "./elements.js";
import { device } from "../device.js";
import { words } from "../page.js";

/** @param {string | null} userAgent */
export function shownDevice(userAgent) {
  return foreign(named(userAgent), { title: userAgent ? plain(userAgent) : null });
}

/** @param {string | null} userAgent */
function named(userAgent) {
  const { browser, system } = device(userAgent);
  if (browser && system) return words("devices", "on", { browser, system });
  return browser ?? system ?? words("devices", "unknown");
}
