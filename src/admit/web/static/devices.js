// The list of devices on the account page.

import { admit, byId, explain, locale, page, words } from "./page.js";
import { ago } from "./ago.js";
import { ask } from "./ask.js";
import { now } from "./clock.js";
import { named } from "./named.js";
import { element } from "./elements.js";

/** @typedef {import("./client.js").Session} Session */

/** Show every device on which this user is signed in, the one in hand first. */
export async function listDevices() {
  /** @type {{ sessions: Session[] }} */
  const { sessions } = await ask(`${page.baseUrl}/sessions`);
  sessions.sort((a, b) => Number(b.current) - Number(a.current));
  byId("devices").replaceChildren(...sessions.map(row));
}

/**
 * @param {Session} session
 * @returns {HTMLElement}
 */
function row(session) {
  const called = named(session.user_agent);
  const heading = element("p", { class: "called" }, element("span", { title: session.user_agent || null }, called));
  const about = element("div", {}, heading, element("p", { class: "seen" }, seen(session)));
  const item = element("li", {}, about);
  if (session.current) {
    heading.append(element("span", { class: "badge" }, words("account", "this_one")));
  } else {
    item.append(ender(session, called));
  }
  return item;
}

/**
 * @param {Session} session
 * @returns {string}
 */
function seen(session) {
  const when = words("account", "seen", { when: ago(session.last_seen_at, now(), locale) });
  const active = session.current ? words("account", "seen_now") : when;
  const from = session.ip ? words("account", "address", { address: session.ip }) : "";
  const opened = words("account", "opened", { when: ago(session.opened_at, now(), locale) });
  return [`${active} ${from}`.trim(), opened].join(" · ");
}

/**
 * The button that signs this device out.
 * @param {Session} session
 * @param {string} called
 * @returns {HTMLElement}
 */
function ender(session, called) {
  const long = words("account", "end_long", { device: called });
  const button = element("button", { type: "button", "aria-label": long }, words("account", "end"));
  button.addEventListener("click", () => end(session, called, button));
  return button;
}

/**
 * @param {Session} session
 * @param {string} called
 * @param {HTMLElement} button
 */
async function end(session, called, button) {
  const notice = byId("said");
  button.setAttribute("aria-busy", "true");
  try {
    await admit.endSession(session.id);
    await listDevices();
    notice.classList.remove("wrong");
    notice.textContent = words("account", "ended", { device: called });
  } catch (error) {
    notice.classList.add("wrong");
    notice.textContent = explain(error);
    button.removeAttribute("aria-busy");
    await listDevices().catch(() => {}); // it may have ended by itself
  }
  notice.hidden = false;
  notice.focus(); // the button that had it may be gone
}
