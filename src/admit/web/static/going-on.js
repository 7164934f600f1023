// Whoever is signed in has nothing to do on a page to sign in, unless it is to be done again.

import { admit, byId, goTo, page } from "./page.js";

/** Go on where somebody is signed in already, or signs in in another tab. */
export function goesOn() {
  if (page.again) return;
  admit.onChange((state) => {
    if (state.signedIn) goTo(page.next);
  });
  admit.session().catch(() => {}); // it cannot be told now, and the form says so when it is sent
}

/** Say why one signs in once more, and fill in as whom, where somebody is signed in. */
export async function asksAgain() {
  if (!page.again) return;
  const found = await admit.session().catch(() => null); // the form works without it
  if (!found) return;
  const login = /** @type {HTMLInputElement} */ (byId("login"));
  login.value ||= found.user.email; // a password manager may have been quicker
  byId("again").hidden = false;
}
