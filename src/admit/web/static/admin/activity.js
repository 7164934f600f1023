/**
 * Sign-ins, refused ones and reuse over time, as a chart and as a table of the same numbers.
 *
 * @typedef {import("./api.js").Activity} Activity
 * @typedef {import("../admin.js").Visit} Visit
 */

import { SERIES, chart } from "./chart.js";
import { button, element } from "../elements.js";
import { why } from "./events.js";
import { hashOf } from "./route.js";
import { SPANS, begins, spanOf } from "./span.js";
import { row, table } from "./table.js";
import { count, moment, text } from "./words.js";
import { now } from "../clock.js";

/** @param {Visit} visit */
export async function activity({ api, root, route, signal }) {
  const span = spanOf(route.filters.get("span"));
  const since = begins(span, new Date(now()));
  const until = new Date(since.getTime() + span.steps * span.step * 1000);
  const got = await api.activity(
    { since: since.toISOString(), until: until.toISOString(), step: span.step },
    signal,
  );
  if (signal.aborted) return;
  root.replaceChildren(choosing(span.name), ...shown(got, span, signal), reasons(got));
}

/** @param {string} chosen */
function choosing(chosen) {
  const links = SPANS.map(({ name, words }) =>
    element(
      "a",
      { class: "button", href: hashOf("activity", { filters: { span: name } }), "aria-current": name === chosen ? "true" : null },
      text(words),
    ),
  );
  return element("nav", { class: "spans", "aria-label": text("span") }, ...links);
}

/**
 * The chart, and the table that screen readers have in any case.
 *
 * @param {Activity} got
 * @param {import("./span.js").Span} span
 * @param {AbortSignal} signal
 */
function shown(got, span, signal) {
  const columns = [text("when"), ...SERIES.map(({ words }) => text(words))];
  const { table: numbers, body } = table(text("activity"), columns);
  body.append(...rows(got, span, columns));
  numbers.classList.remove("cards"); // four short columns: there is room for them on any screen
  numbers.classList.add("numbers");
  const framed = element("div", { class: "card unseen", id: "numbers" }, numbers);
  const toggle = button(text("as_table"), () => {
    const hidden = framed.classList.toggle("unseen");
    toggle.setAttribute("aria-expanded", String(!hidden));
    toggle.textContent = text(hidden ? "as_table" : "hide_table");
  }, { "aria-expanded": "false", "aria-controls": "numbers" });
  return [chart(got, span, signal), incomplete(got), element("p", {}, toggle), framed];
}

/** @param {Activity} got */
function incomplete(got) {
  if (got.complete) return "";
  const words = text("incomplete", { when: moment(got.counted_since).textContent ?? "" });
  return element("p", { class: "notice wrong", role: "status" }, words);
}

/**
 * @param {Activity} got
 * @param {import("./span.js").Span} span
 * @param {string[]} columns
 */
function rows(got, span, columns) {
  const first = Date.parse(got.since);
  const steps = got.series[SERIES[0]?.kind ?? ""]?.length ?? 0;
  return Array.from({ length: steps }, (_, place) => {
    const at = span.long(new Date(first + place * got.step * 1000));
    const numbers = SERIES.map(({ kind }) => [count(got.series[kind]?.[place] ?? 0)]);
    return row(columns, [[at], ...numbers]);
  });
}

/** @param {Activity} got */
function reasons({ refused }) {
  const found = Object.entries(refused).sort(([, one], [, other]) => other - one);
  const most = Math.max(1, ...found.map(([, number]) => number));
  const lines = found.map(([reason, number]) =>
    element(
      "li",
      {},
      element("span", {}, why(reason)),
      element("meter", { min: 0, max: most, value: number, "aria-hidden": "true" }),
      element("span", { class: "number" }, count(number)),
    ),
  );
  return element(
    "section",
    { class: "card", "aria-labelledby": "reasons-title" },
    element("h2", { id: "reasons-title" }, text("refused_by_reason")),
    lines.length ? element("ul", { class: "reasons" }, ...lines) : element("p", { class: "small" }, text("none_refused")),
  );
}
