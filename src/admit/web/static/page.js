// What every page's script shares: what the server told the page, the client, and words.

import { createAdmit } from "./client.js";

/**
 * @typedef {{ baseUrl: string, lang: string, next: string, again: boolean, adminRole: string,
 *   shortest: number, go: Record<string, string>, texts: Record<string, Record<string, string>> }} Page
 */

/** @type {Page} */
export const page = JSON.parse(byId("page").textContent ?? "");

/** How dates and numbers are written: as the browser wants, where it speaks the page's language. */
export const locale =
  navigator.languages.find((each) => each.split("-")[0] === page.lang) ?? page.lang;

export const admit = createAdmit({ baseUrl: location.origin + page.baseUrl });

byId("not-started").remove();
tellOfCookies();

/** Say that cookies are needed where none is let in: whoever signed in would be forgotten at once. */
async function tellOfCookies() {
  // Chromium says of itself that cookies are let in, whatever its settings are for this site.
  const kept = await document.hasStorageAccess?.().catch(() => true);
  byId("no-cookies").hidden = navigator.cookieEnabled && kept !== false;
}

/**
 * The element with this id, which the template has.
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`there is no #${id}`);
  return found;
}

/**
 * A sentence in the visitor's language, with its gaps filled.
 * @param {string} section
 * @param {string} name
 * @param {Record<string, string>} [values]
 * @returns {string}
 */
export function words(section, name, values = {}) {
  const sentence = page.texts[section]?.[name] ?? "";
  return sentence.replace(/\{(\w+)\}/g, (gap, named) => values[named] ?? gap);
}

/**
 * A span as people say it: "30 seconds", "5 minutes".
 * @param {number} seconds
 * @returns {string}
 */
export function span(seconds) {
  const [unit, size] = seconds < 100 ? ["second", 1] : seconds < 6000 ? ["minute", 60] : ["hour", 3600];
  const style = /** @type {const} */ ("unit");
  const form = new Intl.NumberFormat(locale, { style, unit: String(unit), unitDisplay: "long" });
  return form.format(Math.ceil(seconds / Number(size)));
}

/**
 * What went wrong, in words.
 * @param {unknown} error
 * @returns {string}
 */
export function explain(error) {
  const { code, retryAfter } = known(error);
  const sentence = words("codes", code, { after: span(retryAfter ?? 1) });
  return sentence || words("codes", "unexpected");
}

/**
 * The error as the client describes it; anything else is a defect, and is shown as one.
 * @param {unknown} error
 * @returns {{ code: string, reason?: string, fields?: Record<string, string>, retryAfter?: number }}
 */
export function known(error) {
  if (error instanceof Error && "code" in error) return /** @type {any} */ (error);
  console.error(error);
  return { code: "unexpected" };
}

let leaving = false;

/** Whether this page is being left: what it sent now, nobody would hear the answer to. */
export const isLeaving = () => leaving;

/**
 * Go to an address of the pages; the page that is left is not in the history.
 * @param {string} address
 * @param {Record<string, string>} [parameters]
 */
export function goTo(address, parameters = {}) {
  const target = new URL(address, location.href);
  for (const [name, value] of Object.entries(parameters)) target.searchParams.set(name, value);
  leaving = true;
  location.replace(target);
}

/** A page that comes back from the browser's cache is from before: nobody sees it, it loads anew. */
export function neverOld() {
  addEventListener("pagehide", (event) => {
    document.body.hidden = event.persisted;
  });
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });
}
