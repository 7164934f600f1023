// The account: who is signed in, on which devices, and the password.

import { admit, byId, explain, goTo, locale, neverOld, page, words } from "./page.js";
import { listDevices } from "./devices.js";
import { say, sends } from "./form.js";

/** @typedef {import("./client.js").User} User */

/** @type {string | null} */
let shown = null; // whose account it is

/**
 * Leave a page that has nobody to show: to "why was I signed out", or to sign in where nobody was.
 * @param {string | null} reason
 */
function leave(reason) {
  byId("account").hidden = true;
  if (reason || shown) goTo(page.go.signedOut ?? "", { reason: reason ?? "other" });
  else goTo(page.go.signIn ?? "");
}

/** @param {User} user */
function showUser(user) {
  byId("email").textContent = user.email;
  byId("username").textContent = user.username ?? "";
  byId("username-row").hidden = user.username === null;
  byId("roles").textContent = user.roles.join(", ");
  byId("roles-row").hidden = user.roles.length === 0;
  const date = new Intl.DateTimeFormat(locale, { dateStyle: "long" });
  byId("since").textContent = date.format(new Date(user.created_at));
  byId("admin").hidden = !page.adminRole || !user.roles.includes(page.adminRole);
  const hidden = byId("password").querySelector("[name=username]");
  if (hidden instanceof HTMLInputElement) hidden.value = user.email;
}

async function load() {
  byId("away").hidden = true;
  byId("loading").hidden = false;
  try {
    const found = await admit.session();
    if (!found) return leave(null);
    showUser(found.user);
    await listDevices();
    shown = found.user.id;
    byId("account").hidden = false;
    byId("sign-out").hidden = false;
  } catch (error) {
    byId("away-why").textContent = explain(error);
    byId("away").hidden = false;
  } finally {
    byId("loading").hidden = true;
  }
}

/**
 * Do what a button says, and say what went wrong with it.
 * @param {HTMLElement} button
 * @param {HTMLElement} notice
 * @param {() => Promise<void>} act
 */
function acts(button, notice, act) {
  button.addEventListener("click", async () => {
    notice.hidden = true;
    button.setAttribute("aria-busy", "true");
    try {
      await act();
    } catch (error) {
      notice.textContent = explain(error);
      notice.classList.add("wrong");
      notice.hidden = false;
    } finally {
      button.removeAttribute("aria-busy");
    }
  });
}

neverOld();
admit.onChange((state) => {
  if (!state.signedIn) leave(state.reason);
  else if (shown && shown !== state.user.id) location.reload(); // somebody else, in another tab
});

const sure = /** @type {HTMLDialogElement} */ (byId("sure"));
byId("again").addEventListener("click", load);
byId("everywhere").addEventListener("click", () => sure.showModal());
byId("sure-no").addEventListener("click", () => sure.close());
acts(byId("sure-yes"), byId("sure-wrong"), () => admit.signOutEverywhere());
acts(byId("sign-out"), byId("said"), () => admit.signOut());

const form = /** @type {HTMLFormElement} */ (byId("password"));
sends(form, {
  about: { invalid_credentials: "current_password" },
  send: async ({ current_password = "", new_password = "" }) => {
    await admit.changePassword({ currentPassword: current_password, newPassword: new_password });
    form.reset();
    say(form, words("account", "changed"), true);
    await listDevices().catch(() => {}); // it may be old; the password is changed
  },
});

load();
