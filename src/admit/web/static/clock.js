/** What time it is by the server: the device's own clock may be wrong by days. */

/** Milliseconds since 1970 when `performance.now()` was 0. */
let began = Date.now() - performance.now();

/**
 * Every answer says when it was written.
 *
 * @param {Response} answer
 */
export function heard(answer) {
  const said = Date.parse(answer.headers.get("Date") ?? "");
  if (!Number.isNaN(said)) began = said - performance.now();
}

/** Milliseconds since 1970. */
export function now() {
  return began + performance.now();
}
