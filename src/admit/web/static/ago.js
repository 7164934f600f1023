// How long ago something was, by the server's clock alone: the device's may be wrong by days.

/** @type {[Intl.RelativeTimeFormatUnit, number][]} */
const UNITS = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["week", 604_800],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

/**
 * "5 minutes ago".
 * @param {string} instant RFC 3339
 * @param {number} now milliseconds since 1970, by the server
 * @param {string} locale
 * @returns {string}
 */
export function ago(instant, now, locale) {
  const seconds = Math.max(0, (now - Date.parse(instant)) / 1000);
  const form = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
  for (const [unit, size] of UNITS) {
    if (seconds >= size) return form.format(-Math.floor(seconds / size), unit);
  }
  return form.format(0, "second");
}
