/**
 * Whom an id means: each is asked for once, a few at a time.
 *
 * @typedef {import("./api.js").Administration} Administration
 */

import { Refused } from "../ask.js";
import { element, foreign, plain } from "../elements.js";
import { hashOf } from "./route.js";

/** How many questions are under way at once: what one waits for comes before names. */
const AT_ONCE = 3;

/** @param {Administration} api */
export function namesBy(api) {
  /** @type {Map<string, Promise<string | null>>} */
  const known = new Map();
  /** @type {(() => void)[]} */
  const waiting = [];
  let under = 0;

  /**
   * @param {string} id
   * @returns {Promise<string | null>} null where there is no such user any more
   */
  function of(id) {
    const found = known.get(id) ?? asked(id);
    known.set(id, found);
    return found;
  }

  /** @param {string} id */
  async function asked(id) {
    if (under >= AT_ONCE) await new Promise((/** @type {(value?: unknown) => void} */ go) => waiting.push(go));
    under += 1;
    try {
      return (await api.user(id)).user.email;
    } catch (error) {
      // The id stands there meanwhile; who is gone is not asked for again.
      if (!(error instanceof Refused) || error.code !== "not_found") known.delete(id);
      return null;
    } finally {
      under -= 1;
      waiting.shift()?.();
    }
  }

  /**
   * @param {string} id
   * @param {string} email
   */
  function keep(id, email) {
    known.set(id, Promise.resolve(email));
  }

  /**
   * A link to the user that says the id until the e-mail address is known.
   *
   * @param {string} id
   */
  function link(id) {
    const made = element("a", { href: hashOf("users", { id }) }, element("code", {}, plain(id.slice(0, 8))));
    void of(id).then((email) => email && made.replaceChildren(foreign(email)));
    return made;
  }

  return { of, keep, link };
}

/** @typedef {ReturnType<typeof namesBy>} Names */
