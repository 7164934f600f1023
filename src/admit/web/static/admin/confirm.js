/**
 * Asked before anything is taken from somebody: what will happen, and to whom.
 *
 * @typedef {import("../elements.js").Child} Child
 */

import { button, element } from "../elements.js";
import { wrong } from "./trouble.js";
import { text } from "./words.js";

/**
 * Ask, and do it where the answer is yes. What goes wrong is said in the dialog, which stays.
 *
 * @param {object} asked
 * @param {string} asked.title
 * @param {Child[]} asked.words one paragraph each
 * @param {string} asked.action the words of the button that does it
 * @param {() => Promise<unknown>} asked.work
 * @returns {Promise<boolean>} whether it was done
 */
export function confirmed({ title, words, action, work }) {
  const said = element("div", { role: "alert" });
  const cancel = button(text("cancel"), () => dialog.close());
  const act = button(action, () => void go(), { class: "danger" });
  const dialog = element(
    "dialog",
    { "aria-labelledby": "dialog-title", "aria-describedby": "dialog-words" },
    element("h2", { id: "dialog-title" }, title),
    element("div", { id: "dialog-words" }, ...words.filter(Boolean).map((each) => element("p", {}, each))),
    said,
    element("div", { class: "choices" }, cancel, act),
  );
  let done = false;

  async function go() {
    if (act.getAttribute("aria-disabled") === "true") return;
    act.setAttribute("aria-disabled", "true");
    said.replaceChildren();
    try {
      await work();
      done = true;
      dialog.close();
    } catch (error) {
      said.replaceChildren(element("p", { class: "notice wrong" }, wrong(error)));
    } finally {
      act.setAttribute("aria-disabled", "false");
    }
  }

  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(done);
    });
    document.body.append(dialog);
    dialog.showModal();
    cancel.focus(); // who presses Enter without reading takes nothing from anybody
  });
}
