/** What a chart is drawn of: strips of bars, their scale, the axis of time, and fills. */

import { drawn } from "../elements.js";
import { count } from "./words.js";

/** Pixels that a word on the axis of time takes, with air around it. */
const WORD = 72;

/**
 * A round number that nothing goes above.
 *
 * @param {number[]} values
 */
export function highest(values) {
  const most = Math.max(...values, 0);
  if (most <= 4) return 4;
  const power = 10 ** Math.floor(Math.log10(most));
  const steps = [1, 2, 4, 6, 8, 10];
  return power * (steps.find((each) => each * power >= most) ?? 10);
}

/**
 * The bars of one series over their own scale.
 *
 * @param {{ left: number, top: number, width: number, height: number, words: string, kind: string, values: number[] }} given
 */
export function strip({ left, top, width, height, words, kind, values }) {
  const most = highest(values);
  const column = width / Math.max(1, values.length);
  const gap = Math.min(3, column * 0.2);
  const bars = values.map((value, place) => {
    const tall = value === 0 ? 0 : Math.max(2, (value / most) * height);
    const sides = { x: left + place * column + gap / 2, width: Math.max(1, column - gap) };
    return drawn("rect", {
      class: `bar ${kind}`,
      ...sides,
      y: top + height - tall,
      height: tall,
      rx: Math.min(2, column / 4),
      fill: `url(#fill-${kind})`,
    });
  });
  return drawn(
    "g",
    {},
    drawn("text", { class: "strip-title", x: left, y: top - 10 }, words),
    ...scale({ left, top, width, height, most }),
    ...bars,
  );
}

/** @param {{ left: number, top: number, width: number, height: number, most: number }} given */
function scale({ left, top, width, height, most }) {
  return [0, most / 2, most].flatMap((value) => {
    const y = top + height - (value / most) * height;
    return [
      drawn("line", { class: value === 0 ? "base" : "grid", x1: left, x2: left + width, y1: y, y2: y }),
      drawn("text", { class: "tick", x: left - 6, y: y + 4, "text-anchor": "end" }, count(value)),
    ];
  });
}

/**
 * The words of the axis of time, as many as there is room for, each where its step begins.
 *
 * @param {{ left: number, top: number, width: number, words: (string | null)[] }} given null: none may stand there
 */
export function axis({ left, top, width, words }) {
  const column = width / Math.max(1, words.length);
  const round = words.flatMap((word, place) => (word === null ? [] : [{ word, x: left + place * column }]));
  const apart = (round[1]?.x ?? width) - (round[0]?.x ?? 0);
  const every = Math.max(1, Math.ceil(WORD / apart));
  const shown = round.filter(({ x }, number) => number % every === 0 && x + WORD <= left + width + 8);
  return drawn(
    "g",
    {},
    ...shown.map(({ x }) => drawn("line", { class: "base", x1: x, x2: x, y1: top - 2, y2: top + 4 })),
    ...shown.map(({ word, x }) => drawn("text", { class: "tick", x, y: top + 18 }, word)),
  );
}

/**
 * A fill for each series that differs in more than its colour: plain, hatched, dotted.
 *
 * @param {string[]} kinds
 */
export function patterns(kinds) {
  return drawn("defs", {}, ...kinds.map((kind, place) => pattern(kind, place)));
}

/**
 * @param {string} kind
 * @param {number} place
 */
function pattern(kind, place) {
  const ground = drawn("rect", { class: `ground ${kind}`, width: 6, height: 6 });
  const over = [
    null,
    drawn("path", { class: `over ${kind}`, d: "M-1,1 l2,-2 M0,6 l6,-6 M5,7 l2,-2" }),
    drawn("circle", { class: `over ${kind}`, cx: 3, cy: 3, r: 1.3 }),
  ][place];
  return drawn("pattern", { id: `fill-${kind}`, width: 6, height: 6, patternUnits: "userSpaceOnUse" }, ground, over);
}
