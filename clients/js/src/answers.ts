import { AdmitError, CODES, REASONS, type Details } from "./errors.js";
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
  stop?.addEventListener("abort", end, { signal: limit.signal });
  try {
    const response = await send(limit.signal);
    return read(response, await response.text());
  } catch (error) {
    if (error instanceof AdmitError) throw error;
    throw new AdmitError("network", "No answer.");
  } finally {
    clearTimeout(timer);
    end();
  }
}

/** What is no JSON is an empty object, which is the shape of nothing. */
function read(response: Response, text: string): unknown {
  if (response.status === 204) return null;
  let said = {};
  try {
    said = Object(JSON.parse(text));
  } catch {} // a portal's page
  if (response.ok) return said;
  throw refusal(said, response);
}

function refusal(said: Record<string, unknown>, { status, headers }: Response): AdmitError {
  const code = CODES.find((each) => each === said.code);
  return new AdmitError(
    code ?? (status < 500 ? "unexpected" : "unavailable"),
    `${said.detail ?? said.title ?? `The answer is ${status}.`}`,
    {
      status,
      reason: REASONS.find((each) => each === said.reason),
      fields: said.fields as Details["fields"],
      retryAfter: Number(said.retry_after ?? headers.get("Retry-After")) || undefined,
    },
  );
}

/** The answer where it has that shape; whoever answers otherwise is not Admit. */
export function shaped<T>(said: unknown, fits: (said: any) => unknown): T {
  if (fits(said)) return said as T;
  throw new AdmitError("unexpected", "No answer of Admit's: check baseUrl.");
}

/** The answer has no content: 204. */
export const nothing = (said: unknown) => shaped(said, (it) => it === null);

export const isUser = (said: any) => typeof said?.id === "string";

/** Characters that a header takes, and no other (RFC 6750 section 2.1). */
export const isToken = (said: any) => /^[\w.~+/-]+=*$/.test(said) && typeof said === "string";

export const isTokens = (said: any) =>
  isToken(said?.access_token) && said.expires_in > 0 && isUser(said.user);
