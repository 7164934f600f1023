/**
 * What was done is done, also where the look after it fails: that is said, with a way to look again.
 *
 * @typedef {import("../admin.js").Visit} Visit
 */

import { trouble } from "./trouble.js";

/**
 * Show the new truth, and give the focus a place where the change took its own away.
 *
 * @param {Visit} visit
 * @param {(visit: Visit) => Promise<void>} show
 */
export async function lookedAgain(visit, show) {
  try {
    await show(visit);
  } catch (error) {
    if (visit.signal.aborted) return;
    visit.root.replaceChildren(trouble(error, () => void lookedAgain(visit, show)));
  }
  visit.refocused();
}
