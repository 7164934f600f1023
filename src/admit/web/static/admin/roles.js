/**
 * The roles of one account: add, and take away.
 *
 * @typedef {import("./api.js").User} User
 * @typedef {import("../admin.js").Visit} Visit
 */

import { confirmed } from "./confirm.js";
import { button, element, foreign } from "../elements.js";
import { wrong } from "./trouble.js";
import { text } from "./words.js";

/**
 * @param {Visit} visit
 * @param {User} user
 * @param {() => Promise<void>} again the account has changed: look again
 */
export function roles(visit, user, again) {
  const chips = user.roles.map((role) => chip(visit, user, role, again));
  return element(
    "section",
    { class: "card", "aria-labelledby": "roles-title" },
    element("h2", { id: "roles-title" }, text("roles")),
    chips.length
      ? element("ul", { class: "chips" }, ...chips)
      : element("p", { class: "small" }, text("no_roles")),
    adding(visit, user, again),
  );
}

/**
 * @param {Visit} visit
 * @param {User} user
 * @param {string} role
 * @param {() => Promise<void>} again
 */
function chip(visit, user, role, again) {
  // One's own way in is not taken away here: nobody might be left who could give it back.
  const kept = user.id === visit.me.id && role === visit.adminRole;
  const pressed = async () => {
    if (await remove(visit, user, role)) await again();
  };
  const cross = button("×", () => void pressed(), {
    class: "cross",
    "aria-label": text("remove_role", { role }),
  });
  return element("li", { class: "chip" }, foreign(role), !kept && cross);
}

/**
 * @param {Visit} visit
 * @param {User} user
 * @param {string} role
 */
function remove({ api }, user, role) {
  return confirmed({
    title: text("remove_role", { role }),
    words: [foreign(user.email), text("remove_role_words", { role })],
    action: text("remove"),
    work: () => api.roles(user.id, { remove: [role] }),
  });
}

/**
 * @param {Visit} visit
 * @param {User} user
 * @param {() => Promise<void>} again
 */
function adding(visit, user, again) {
  const said = element("p", { class: "wrong", id: "role-wrong", role: "alert" });
  const field = element("input", {
    id: "role",
    type: "text",
    autocomplete: "off",
    autocapitalize: "none",
    spellcheck: "false",
    required: true,
    "aria-describedby": "role-wrong",
  });
  const form = element(
    "form",
    { class: "adding", method: "post", novalidate: true },
    element("label", { for: "role" }, text("add_role_label")),
    element("div", { class: "together" }, field, element("button", {}, text("add"))),
    said,
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void submit();
  });

  async function submit() {
    said.textContent = "";
    field.removeAttribute("aria-invalid");
    try {
      if (await add(visit, user, field.value.trim())) await again();
    } catch (error) {
      said.textContent = wrong(error);
      field.setAttribute("aria-invalid", "true");
      field.focus();
    }
  }

  return form;
}

/**
 * Who becomes an administrator can do all that is done here: that is asked first.
 *
 * @param {Visit} visit
 * @param {User} user
 * @param {string} role
 */
async function add({ api, adminRole }, user, role) {
  const work = () => api.roles(user.id, { add: [role] });
  if (role !== adminRole) {
    await work();
    return true;
  }
  return confirmed({
    title: text("add_admin_title"),
    words: [foreign(user.email), text("add_admin_words")],
    action: text("add"),
    work,
  });
}
