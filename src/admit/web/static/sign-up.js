// The page to make an account. It signs in afterwards, and goes on.

import { admit, byId, goTo, neverOld, page } from "./page.js";
import { sends } from "./form.js";
import { goesOn } from "./going-on.js";

neverOld();
goesOn();

sends(/** @type {HTMLFormElement} */ (byId("form")), {
  send: async ({ email = "", password = "", username = "" }) => {
    await admit.register(username ? { email, password, username } : { email, password });
    await admit.signIn({ login: email, password });
    goTo(page.next);
  },
});
