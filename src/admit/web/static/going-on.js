// Whoever is signed in has nothing to do on a page to sign in.

import { admit, goTo, page } from "./page.js";

/** Go on where somebody is signed in already, or signs in in another tab. */
export function goesOn() {
  admit.onChange((state) => {
    if (state.signedIn) goTo(page.next);
  });
  admit.session().catch(() => {}); // it cannot be told now, and the form says so when it is sent
}
