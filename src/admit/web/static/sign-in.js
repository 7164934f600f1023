// The page to sign in. Whoever is signed in already goes on at once.

import { admit, byId, goTo, neverOld, page } from "./page.js";
import { sends } from "./form.js";
import { asksAgain, goesOn } from "./going-on.js";

neverOld();
goesOn();
asksAgain();

sends(/** @type {HTMLFormElement} */ (byId("form")), {
  near: { invalid_credentials: "password" },
  send: async ({ login = "", password = "" }) => {
    await admit.signIn({ login, password });
    goTo(page.next);
  },
});
