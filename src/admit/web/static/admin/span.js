/**
 * How far back the chart goes, in which steps, and how their times are written.
 *
 * A step begins where the reader's own clock says a round time: a day at midnight.
 *
 * @typedef {object} Span
 * @property {string} name
 * @property {string} words
 * @property {number} steps
 * @property {number} step seconds
 * @property {(at: Date) => boolean} round whether the axis may have a word there
 * @property {(at: Date) => string} short on the axis
 * @property {(at: Date) => string} long in the table and beside the pointer
 */

import { dated } from "./words.js";

const HOUR = 3_600;
const DAY = 24 * HOUR;

/** @type {Span[]} */
export const SPANS = [
  {
    name: "24h",
    words: "last_day",
    steps: 24,
    step: HOUR,
    round: (at) => at.getHours() % 3 === 0,
    short: dated({ hour: "numeric", minute: "2-digit" }),
    long: dated({ weekday: "short", hour: "numeric", minute: "2-digit" }),
  },
  {
    name: "7d",
    words: "last_week",
    steps: 28,
    step: 6 * HOUR,
    round: (at) => at.getHours() < 6,
    short: dated({ day: "numeric", month: "short" }),
    long: dated({ weekday: "short", day: "numeric", month: "short", hour: "numeric", minute: "2-digit" }),
  },
  {
    name: "30d",
    words: "last_month",
    steps: 30,
    step: DAY,
    round: () => true,
    short: dated({ day: "numeric", month: "short" }),
    long: dated({ weekday: "short", day: "numeric", month: "short" }),
  },
];

/**
 * @param {string | null} name
 * @returns {Span} the first where there is no such span
 */
export function spanOf(name) {
  const found = SPANS.find((each) => each.name === name) ?? SPANS[0];
  if (!found) throw new RangeError("there are no spans");
  return found;
}

/**
 * When its first step begins, so that the last holds `now`.
 *
 * @param {Span} span
 * @param {Date} now
 */
export function begins(span, now) {
  const at = new Date(now);
  const hours = span.step / HOUR;
  at.setHours(hours >= 24 ? 0 : at.getHours() - (at.getHours() % hours), 0, 0, 0);
  return new Date(at.getTime() - (span.steps - 1) * span.step * 1000);
}
