// A question to the JSON routes that the client has no verb for, and a refusal as an error.

import { heard } from "./clock.js";
import { admit } from "./page.js";

/** Why the server did not do it: its code and what goes with it. */
export class Refused extends Error {
  /**
   * @param {string} code
   * @param {{ detail?: string, reason?: string, fields?: Record<string, string>, retry_after?: number }} [told]
   */
  constructor(code, told = {}) {
    super(told.detail ?? code);
    this.code = code;
    this.detail = told.detail;
    this.reason = told.reason;
    this.fields = told.fields;
    this.retryAfter = told.retry_after;
  }
}

/**
 * The answer, read; the clock is set by it.
 * @param {string} address
 * @param {RequestInit} [init]
 * @returns {Promise<any>}
 * @throws {Refused} the server refuses, or was not reached
 */
export async function ask(address, init) {
  const answer = await admit.fetch(address, init).catch((error) => {
    throw error instanceof TypeError ? new Refused("network") : error;
  });
  heard(answer);
  if (answer.status === 204) return null;
  const told = await answer.json().catch(() => null);
  if (answer.ok && told) return told;
  const code = typeof told?.code === "string" ? told.code : null;
  throw new Refused(code ?? (answer.status >= 500 ? "unavailable" : "unexpected"), told ?? {});
}
