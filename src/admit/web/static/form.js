// A form: sends what was typed by a script, and says beside each field what is wrong with it.

import { byId, explain, isLeaving, known, page, words } from "./page.js";

/**
 * @typedef {{ send: (typed: Record<string, string>) => Promise<void>,
 *   about?: Record<string, string>, near?: Record<string, string> }} Sending
 *   `about`: the field that a code is about, by the code; `near`: the field to go to with a code
 *   that is about the form as a whole
 */

/**
 * Have a form send what is typed.
 * @param {HTMLFormElement} form
 * @param {Sending} sending
 */
export function sends(form, sending) {
  for (const button of form.querySelectorAll("button.show")) shows(/** @type {HTMLButtonElement} */ (button));
  let busy = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    // A sign-in whose answer is lost leaves the browser with a session that has ended by it.
    if (busy || isLeaving()) return;
    busy = true;
    setBusy(form, true);
    try {
      await submit(form, sending);
    } finally {
      busy = false;
      setBusy(form, isLeaving());
    }
  });
}

/**
 * @param {HTMLFormElement} form
 * @param {Sending} sending
 */
async function submit(form, sending) {
  clear(form);
  const empty = inputs(form).filter((input) => input.required && input.value === "");
  if (empty.length) {
    mark(empty.map((input) => [input, words("common", "missing")]));
    return;
  }
  try {
    await sending.send(Object.fromEntries(inputs(form).map((input) => [input.name, input.value])));
  } catch (error) {
    refused(form, sending, error);
  }
}

/**
 * Say what was wrong: beside the fields where it is about them, else above them all.
 * @param {HTMLFormElement} form
 * @param {Sending} sending
 * @param {unknown} error
 */
function refused(form, sending, error) {
  const { code, fields = {} } = known(error);
  const about = sending.about?.[code];
  const beside = inputs(form).filter((input) => input.name in fields || input.name === about);
  mark(beside.map((input) => [input, wanted(code, input.name, fields[input.name])]));
  if (beside.length) return;
  say(form, explain(error));
  inputs(form)
    .find((input) => input.name === sending.near?.[code])
    ?.select();
}

/**
 * What a field wants: in the page's language, which the server does not speak.
 * @param {string} code
 * @param {string} name
 * @param {string | undefined} told
 * @returns {string}
 */
function wanted(code, name, told) {
  const taken = code === "already_exists" ? words("wants", `taken_${name}`) : "";
  return taken || words("wants", name, { shortest: String(page.shortest) }) || told || "";
}

/**
 * @param {HTMLFormElement} form
 * @param {string} sentence
 * @param {boolean} [good]
 */
export function say(form, sentence, good = false) {
  const notice = form.querySelector(".notice");
  if (!(notice instanceof HTMLElement)) return;
  notice.textContent = sentence;
  notice.classList.toggle("wrong", !good);
  notice.hidden = sentence === "";
}

/** @param {HTMLFormElement} form */
function clear(form) {
  say(form, "");
  for (const input of inputs(form)) {
    input.removeAttribute("aria-invalid");
    const told = document.getElementById(`${input.name}-wrong`);
    if (told) told.hidden = true;
  }
}

/** @param {[HTMLInputElement, string][]} wrong */
function mark(wrong) {
  for (const [input, sentence] of wrong) {
    input.setAttribute("aria-invalid", "true");
    const told = byId(`${input.name}-wrong`);
    told.textContent = sentence;
    told.hidden = false;
  }
  wrong[0]?.[0].focus();
}

/**
 * @param {HTMLFormElement} form
 * @returns {HTMLInputElement[]}
 */
function inputs(form) {
  return [...form.querySelectorAll("input")];
}

/**
 * The button stays where it is and can be focused: one that is disabled would lose the focus.
 * @param {HTMLFormElement} form
 * @param {boolean} busy
 */
function setBusy(form, busy) {
  form.querySelector("button[type=submit]")?.setAttribute("aria-busy", String(busy));
}

/**
 * A button that shows a password and hides it again.
 * @param {HTMLButtonElement} button
 */
function shows(button) {
  const input = /** @type {HTMLInputElement} */ (byId(button.getAttribute("aria-controls") ?? ""));
  button.hidden = false;
  button.addEventListener("click", () => {
    const shown = input.type === "password";
    const name = shown ? "hide_password" : "show_password";
    input.type = shown ? "text" : "password";
    button.textContent = words("common", name);
    button.setAttribute("aria-label", words("common", `${name}_long`));
  });
}
