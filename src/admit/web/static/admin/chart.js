/**
 * A chart of counts over time: a strip of bars for each series, one above the other, on one axis.
 *
 * Each strip has a scale of its own, or a handful of reuse would vanish beside thousands of
 * sign-ins. Who points at it, or moves along it by the arrow keys, is told the numbers there.
 *
 * @typedef {import("./api.js").Activity} Activity
 * @typedef {import("./span.js").Span} Span
 */

import { axis, patterns, strip } from "./chart-parts.js";
import { drawn, element } from "../elements.js";
import { count, text } from "./words.js";

/** What is counted, and in which order each gets its fill: never told by its colour alone. */
export const SERIES = [
  { kind: "signed_in", words: "sign_ins" },
  { kind: "sign_in_failed", words: "refused" },
  { kind: "reuse_detected", words: "reuse" },
];
const LEFT = 44;
const RIGHT = 8;
const STRIP = 96;
const GAP = 34;
const AXIS = 26;

/**
 * @param {Activity} got
 * @param {Span} span
 * @param {AbortSignal} signal
 */
export function chart(got, span, signal) {
  const tip = element("div", { class: "tip", hidden: true, "aria-hidden": "true" });
  const plot = element("div", sliding(got));
  const whole = element("figure", { class: "card chart" }, legend(got), element("div", { class: "plot-place" }, plot, tip));
  let width = 0;
  let at = steps(got) - 1;

  const draw = () => plot.replaceChildren(picture(got, span, width));
  const point = (/** @type {number} */ place) => {
    at = Math.min(steps(got) - 1, Math.max(0, place));
    plot.setAttribute("aria-valuenow", String(at));
    plot.setAttribute("aria-valuetext", spoken(got, span, at));
    mark(plot, at, width, steps(got));
    tip.replaceChildren(...told(got, span, at));
    tip.hidden = false;
    beside(tip, middle(at, width, steps(got)), width);
  };
  const leave = () => {
    tip.hidden = true;
    mark(plot, -1, width, steps(got));
  };

  plot.setAttribute("aria-valuetext", spoken(got, span, at));
  plot.addEventListener("pointermove", (event) => point(placeOf(event, plot, steps(got))));
  plot.addEventListener("pointerleave", () => (document.activeElement === plot ? point(at) : leave()));
  plot.addEventListener("focus", () => point(at));
  plot.addEventListener("blur", leave);
  plot.addEventListener("keydown", (event) => {
    const to = moved(event.key, at, steps(got));
    if (event.key === "Escape") leave();
    if (to === null) return;
    event.preventDefault();
    point(to);
  });

  const watch = new ResizeObserver(([seen]) => {
    const now = Math.round(seen?.contentRect.width ?? 0);
    if (now === width || now === 0) return;
    width = now;
    draw();
    if (!tip.hidden) point(at);
  });
  watch.observe(plot);
  signal.addEventListener("abort", () => watch.disconnect());
  return whole;
}

/** @param {Activity} got */
function sliding(got) {
  return {
    class: "plot",
    tabindex: 0,
    role: "slider",
    "aria-label": text("chart_label"),
    "aria-valuemin": 0,
    "aria-valuemax": steps(got) - 1,
    "aria-valuenow": steps(got) - 1,
  };
}

/** @param {Activity} got */
function steps(got) {
  return got.series[SERIES[0]?.kind ?? ""]?.length ?? 0;
}

/**
 * @param {Activity} got
 * @param {Span} span
 * @param {number} width
 */
function picture(got, span, width) {
  const height = SERIES.length * (STRIP + GAP) + AXIS;
  const inner = { left: LEFT, width: width - LEFT - RIGHT, height: STRIP };
  const strips = SERIES.map(({ kind, words }, place) =>
    strip({
      ...inner,
      top: place * (STRIP + GAP) + GAP,
      words: text(words),
      kind,
      values: got.series[kind] ?? [],
    }),
  );
  const bottom = height - AXIS;
  return drawn(
    "svg",
    { width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true", focusable: "false" },
    patterns(SERIES.map(({ kind }) => kind)),
    drawn("rect", { class: "pointed", x: -99, y: GAP, width: 0, height: bottom - GAP }),
    ...strips,
    axis({
      ...inner,
      top: bottom,
      words: Array.from({ length: steps(got) }, (_, place) => {
        const at = when(got, place);
        return span.round(at) ? span.short(at) : null;
      }),
    }),
  );
}

/**
 * @param {Activity} got
 * @param {number} place
 */
function when(got, place) {
  return new Date(Date.parse(got.since) + place * got.step * 1000);
}

/** @param {Activity} got */
function legend(got) {
  const entries = SERIES.map(({ kind, words }) => {
    const all = (got.series[kind] ?? []).reduce((sum, each) => sum + each, 0);
    return element(
      "li",
      {},
      drawn(
        "svg",
        { width: 16, height: 16, "aria-hidden": "true" },
        drawn("rect", { class: `bar ${kind}`, width: 16, height: 16, rx: 3, fill: `url(#fill-${kind})` }),
      ),
      element("span", { class: "number" }, count(all)),
      ` ${text(words)}`,
    );
  });
  return element("ul", { class: "legend" }, ...entries);
}

/**
 * @param {Activity} got
 * @param {Span} span
 * @param {number} place
 */
function spoken(got, span, place) {
  const numbers = SERIES.map(({ kind, words }) => `${text(words)}: ${count(got.series[kind]?.[place] ?? 0)}`);
  return `${span.long(when(got, place))}. ${numbers.join(", ")}`;
}

/**
 * @param {Activity} got
 * @param {Span} span
 * @param {number} place
 */
function told(got, span, place) {
  const lines = SERIES.map(({ kind, words }) =>
    element("div", {}, element("b", {}, count(got.series[kind]?.[place] ?? 0)), ` ${text(words)}`),
  );
  return [element("div", { class: "tip-when" }, span.long(when(got, place))), ...lines];
}

/**
 * @param {number} place
 * @param {number} width
 * @param {number} all
 */
function middle(place, width, all) {
  return LEFT + ((place + 0.5) * (width - LEFT - RIGHT)) / all;
}

/**
 * Show the column that is pointed at; none for a place below 0.
 *
 * @param {HTMLElement} plot
 * @param {number} place
 * @param {number} width
 * @param {number} all
 */
function mark(plot, place, width, all) {
  const column = (width - LEFT - RIGHT) / all;
  const pointed = plot.querySelector(".pointed");
  pointed?.setAttribute("x", String(place < 0 ? -99 : LEFT + place * column));
  pointed?.setAttribute("width", String(place < 0 ? 0 : column));
}

/**
 * @param {HTMLElement} tip
 * @param {number} x
 * @param {number} width
 */
function beside(tip, x, width) {
  const left = x < width / 2 ? x + 14 : x - tip.offsetWidth - 14;
  tip.style.left = `${Math.max(0, Math.min(left, width - tip.offsetWidth))}px`;
}

/**
 * @param {PointerEvent} event
 * @param {HTMLElement} plot
 * @param {number} all
 */
function placeOf(event, plot, all) {
  const { left, width } = plot.getBoundingClientRect();
  return Math.floor(((event.clientX - left - LEFT) / (width - LEFT - RIGHT)) * all);
}

/**
 * @param {string} key
 * @param {number} at
 * @param {number} all
 */
function moved(key, at, all) {
  /** @type {Record<string, number>} */
  const places = { ArrowLeft: at - 1, ArrowDown: at - 1, ArrowRight: at + 1, ArrowUp: at + 1, Home: 0, End: all - 1 };
  return places[key] ?? null;
}
