/**
 * A list that grows by "more", page by page, each by the key that the one before ended with.
 *
 * @typedef {import("../elements.js").Child} Child
 */

import { button, element } from "../elements.js";
import { trouble } from "./trouble.js";
import { text } from "./words.js";

/**
 * @template Row
 * @typedef {object} Asked
 * @property {(after: string | null, signal: AbortSignal) => Promise<Page<Row>>} load
 * @property {(row: Row) => Node} draw
 * @property {HTMLElement} body where the rows go
 * @property {HTMLElement} shown what is hidden while there are none
 * @property {string} none what is said then
 * @property {AbortSignal} signal the section was left
 */

/**
 * @template Row
 * @typedef {{ rows: Row[], next: string | null }} Page
 */

/**
 * @template Row
 * @param {Asked<Row>} asked
 * @returns {{ foot: HTMLElement, refresh: () => Promise<void> }}
 */
export function growing({ load, draw, body, shown, none, signal }) {
  const said = element("p", { class: "said", role: "status" });
  const wrong = element("div");
  const more = button(text("more"), () => void page(next), { hidden: true });
  /** @type {string | null} */
  let next = null;
  let round = new AbortController();
  signal.addEventListener("abort", () => round.abort());

  /** @param {string | null} after */
  async function page(after) {
    round.abort(); // an answer to an older question is of no use to anybody
    const mine = (round = new AbortController());
    busy(true);
    try {
      const got = await load(after, mine.signal);
      if (!mine.signal.aborted && !signal.aborted) take(got, after);
    } catch (error) {
      if (mine.signal.aborted || signal.aborted) return;
      refused(error, after);
    }
  }

  /**
   * @param {Page<Row>} got
   * @param {string | null} after
   */
  function take(got, after) {
    const rows = got.rows.map(draw);
    const asked = document.activeElement === more;
    if (after === null) body.replaceChildren(...rows);
    else body.append(...rows);
    next = got.next;
    busy(false);
    wrong.replaceChildren();
    more.hidden = next === null;
    shown.hidden = body.childElementCount === 0;
    said.textContent = counted();
    if (asked) focusFirst(rows); // whoever works by keyboard goes on where the new ones begin
  }

  /**
   * What is there stays; the way on is to try again.
   *
   * @param {unknown} error
   * @param {string | null} after
   */
  function refused(error, after) {
    const asked = document.activeElement === more;
    busy(false);
    more.hidden = true;
    wrong.replaceChildren(trouble(error, () => void page(after)));
    if (asked) wrong.querySelector("button")?.focus();
  }

  function counted() {
    const count = body.childElementCount;
    if (count === 0) return none;
    return text(next === null ? "shown_all" : "shown_some", { count });
  }

  /** @param {boolean} whether */
  function busy(whether) {
    more.disabled = whether && document.activeElement !== more;
    more.setAttribute("aria-disabled", String(whether));
    shown.setAttribute("aria-busy", String(whether));
  }

  return {
    foot: element("div", { class: "foot" }, wrong, said, more),
    refresh: () => page(null),
  };
}

/** @param {Node[]} rows */
function focusFirst(rows) {
  const first = rows[0];
  if (first instanceof Element) {
    const link = first.querySelector("a, button");
    if (link instanceof HTMLElement) link.focus();
  }
}
