// What a device is called in the words of the page.

import { device } from "./device.js";
import { words } from "./page.js";

/**
 * "Firefox on Linux", in the page's language.
 * @param {string | null} userAgent
 * @returns {string}
 */
export function named(userAgent) {
  const { browser, system } = device(userAgent);
  if (browser && system) return words("devices", "on", { browser, system });
  return browser ?? system ?? words("devices", "unknown");
}
