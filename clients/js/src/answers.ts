import { AdmitError, CODES, REASONS, type Code, type Details } from "./errors.js";
import type { User } from "./types.js";

/** What signing in and refreshing give. */
export interface Tokens {
  access_token: string;
  expires_in: number;
  user: User;
}

/** Milliseconds that an answer may take: past it, it counts as lost. */
export const PATIENCE = 15_000;

/**
 * What the server says to a request.
 *
 * `send` is given the signal that ends it, after PATIENCE or when `stop` does.
 * Throws an AdmitError: the server's own, "network", "unavailable" or "unexpected".
 */
export async function answerTo(
  send: (signal: AbortSignal) => Promise<Response>,
  stop?: AbortSignal,
): Promise<unknown> {
  const limit = new AbortController();
  const end = () => limit.abort();
  const timer = setTimeout(end, PATIENCE);
  stop?.addEventListener("abort", end);
  try {
    const response = await send(limit.signal);
    return read(response, await response.text());
  } catch (error) {
    if (error instanceof AdmitError) throw error;
    throw new AdmitError("network", "The server was not reached.");
  } finally {
    clearTimeout(timer);
    stop?.removeEventListener("abort", end);
  }
}

function read(response: Response, text: string): unknown {
  const { ok, status } = response;
  if (status === 204) return null;
  const said = parsed(text);
  if (ok) return said;
  throw refusal(said, response);
}

/** An object in any case: a portal's page is an empty one, which is the shape of nothing. */
function parsed(text: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}

function refusal(said: Record<string, unknown>, { status, headers }: Response): AdmitError {
  const { code, title, detail, fields } = said;
  const details: Details = {
    status,
    reason: REASONS.find((reason) => reason === said.reason),
    fields: fields as Details["fields"],
    retryAfter: Number(said.retry_after ?? headers.get("Retry-After")) || undefined,
  };
  if (status >= 400 && CODES.includes(code as Code)) {
    return new AdmitError(code as Code, `${detail ?? title ?? code}`, details);
  }
  return status < 500
    ? unexpected(details)
    : new AdmitError("unavailable", "The server cannot answer.", details);
}

export function unexpected(details?: Details): AdmitError {
  return new AdmitError("unexpected", "The answer is not Admit's: check baseUrl.", details);
}

/** The answer where it has that shape; whoever answers otherwise is not Admit. */
export function shaped<T>(said: unknown, fits: (said: any) => unknown): T {
  if (!fits(said)) throw unexpected();
  return said as T;
}

/** The answer has no content: 204. */
export const nothing = (said: unknown) => void shaped(said, (it) => it === null);

export const isUser = (said: any) => typeof said?.id === "string";

/** Characters that a header takes, and no other (RFC 6750 section 2.1). */
export const isToken = (said: any) => /^[\w.~+/-]+=*$/.test(said) && typeof said === "string";

export const isTokens = (said: any) =>
  isToken(said?.access_token) && said.expires_in > 0 && isUser(said.user);
