/**
 * A table that becomes cards on a narrow screen: each cell says what it is then.
 *
 * The roles are written down, because some browsers forget them where `display` is changed.
 *
 * @typedef {import("../elements.js").Child} Child
 */

import { element } from "../elements.js";
import { text } from "./words.js";

/**
 * @param {string} caption for those who don't see where it stands
 * @param {string[]} columns that of the buttons is named for screen readers alone
 * @returns {{ table: HTMLElement, body: HTMLElement }}
 */
export function table(caption, columns) {
  const head = element("tr", { role: "row" }, ...columns.map(heading));
  const body = element("tbody", { role: "rowgroup" });
  const made = element(
    "table",
    { class: "table cards", role: "table" },
    element("caption", { class: "unseen" }, caption),
    element("thead", { role: "rowgroup" }, head),
    body,
  );
  return { table: made, body };
}

/**
 * @param {string[]} columns those of the table
 * @param {Child[][]} cells what stands in each
 * @param {{ marked?: boolean }} [how] marked: this one is out of use
 */
export function row(columns, cells, { marked = false } = {}) {
  const made = cells.map((children, place) => cell(columns[place] ?? "", children));
  return element("tr", { role: "row", class: marked ? "marked" : null }, ...made);
}

/**
 * @param {string} column
 * @param {Child[]} children
 */
function cell(column, children) {
  const attributes =
    column === text("actions")
      ? { class: "acts" }
      : { "data-column": column }; // its words are shown by the style sheet, on a narrow screen
  return element("td", { role: "cell", ...attributes }, element("div", {}, ...children));
}

/** @param {string} column */
function heading(column) {
  const words = column === text("actions") ? element("span", { class: "unseen" }, column) : column;
  return element("th", { scope: "col", role: "columnheader" }, words);
}
