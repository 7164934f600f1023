// The page to make an account. It signs in afterwards, and goes on.

import { admit, byId, goTo, neverOld, page } from "./page.js";
import { sends } from "./form.js";

neverOld();

sends(/** @type {HTMLFormElement} */ (byId("form")), {
  send: async ({ email = "", password = "", username = "" }) => {
    await admit.register(username ? { email, password, username } : { email, password });
    await admit.signIn({ login: email, password });
    goTo(page.next);
  },
});

admit.session().then(
  (found) => {
    if (found) goTo(page.next);
  },
  () => {}, // it cannot be told now, and the form says so when it is sent
);
