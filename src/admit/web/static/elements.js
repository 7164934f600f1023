/**
 * Elements made by calls, never of markup: what others wrote stays text, whatever it holds.
 *
 * @typedef {string | number | Node | null | undefined | false} Child
 * @typedef {Record<string, string | number | boolean | null | undefined>} Attributes
 */

const SVG = "http://www.w3.org/2000/svg";
/** Controls, characters without width, those that turn the direction of text, and halves of pairs. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/**
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {Attributes} [attributes] null, undefined and false are left out; true stands without value
 * @param {Child[]} children
 * @returns {HTMLElementTagNameMap[Name]}
 */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  dress(made, attributes, children);
  return made;
}

/**
 * @template {keyof SVGElementTagNameMap} Name
 * @param {Name} name
 * @param {Attributes} [attributes]
 * @param {Child[]} children
 * @returns {SVGElementTagNameMap[Name]}
 */
export function drawn(name, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, name);
  dress(made, attributes, children);
  return made;
}

/**
 * A button that does something when it is pressed.
 *
 * @param {string} words
 * @param {() => void} pressed
 * @param {Attributes} [attributes]
 */
export function button(words, pressed, attributes = {}) {
  const made = element("button", { type: "button", ...attributes }, words);
  made.addEventListener("click", pressed);
  return made;
}

/**
 * What somebody else wrote, apart from the text around it: its direction is its own.
 *
 * @param {string} text
 * @param {Attributes} [attributes]
 */
export function foreign(text, attributes = {}) {
  return element("bdi", { class: "foreign", ...attributes }, plain(text));
}

/**
 * The text with every character that can't be seen named, as [U+202E]: none acts, none hides.
 *
 * @param {string} text
 */
export function plain(text) {
  return text.replace(UNSEEN, (each) => `[U+${code(each)}]`);
}

/** @param {string} character */
function code(character) {
  return (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
}

/**
 * @param {Element} made
 * @param {Attributes} attributes
 * @param {Child[]} children
 */
function dress(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) {
      made.setAttribute(name, value === true ? "" : String(value));
    }
  }
  for (const child of children) {
    if (child !== null && child !== undefined && child !== false) {
      made.append(typeof child === "number" ? String(child) : child);
    }
  }
}
