// The page to sign in. Whoever is signed in already goes on at once.

import { admit, byId, goTo, neverOld, page } from "./page.js";
import { sends } from "./form.js";

neverOld();

sends(/** @type {HTMLFormElement} */ (byId("form")), {
  near: { invalid_credentials: "password" },
  send: async ({ login = "", password = "" }) => {
    await admit.signIn({ login, password });
    goTo(page.next);
  },
});

admit.session().then(
  (found) => {
    if (found) goTo(page.next);
  },
  () => {}, // it cannot be told now, and the form says so when it is sent
);
