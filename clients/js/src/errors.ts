/** The codes of the server's refusals (`admit.errors`), and two of the client's own. */
export const CODES = [
  "malformed",
  "invalid_credentials",
  "unauthenticated",
  "invalid_token",
  "insufficient_user_authentication",
  "refresh_refused",
  "csrf_failed",
  "forbidden",
  "not_found",
  "method_not_allowed",
  "already_exists",
  "too_large",
  "unsupported_media_type",
  "invalid_input",
  "too_many_attempts",
  "unavailable",
  "network", // the server was not reached, or did not answer in time
  "unexpected", // an answer that is not of Admit's contract: a wrong address, a portal's page
] as const;
export type Code = (typeof CODES)[number];

/** Why a session is over. */
export const REASONS = [
  "malformed",
  "unknown",
  "expired",
  "signed_out",
  "password_changed",
  "reuse_detected",
  "revoked",
] as const;
export type Reason = (typeof REASONS)[number];

/** What goes with some of the codes. */
export interface Details {
  /** Why the session is over. */
  reason?: Reason | undefined;
  /** The status of the answer; absent where there was none. */
  status?: number | undefined;
  /** For each input field, what it wants. */
  fields?: Record<string, string> | undefined;
  /** Seconds after which another try makes sense. */
  retryAfter?: number | undefined;
}

/** Whatever goes wrong; `code` says what. */
export class AdmitError extends Error implements Details {
  override name = "AdmitError";
  declare reason?: Reason | undefined;
  declare status?: number | undefined;
  declare fields?: Record<string, string> | undefined;
  declare retryAfter?: number | undefined;

  constructor(
    readonly code: Code,
    message: string,
    details?: Details,
  ) {
    super(message);
    Object.assign(this, details);
  }
}
