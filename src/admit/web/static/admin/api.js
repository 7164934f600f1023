/**
 * What the server says about accounts: the routes under `/auth/admin`.
 *
 * @typedef {object} User
 * @property {string} id
 * @property {string} email
 * @property {string | null} username
 * @property {string[]} roles
 * @property {boolean} email_verified
 * @property {string} created_at
 * @property {string | null} disabled_at
 *
 * @typedef {object} Session
 * @property {string} id
 * @property {boolean} [current]
 * @property {string | null} opened_at
 * @property {string | null} last_seen_at
 * @property {string | null} expires_at
 * @property {string | null} ip
 * @property {string | null} user_agent
 *
 * @typedef {Session & { user_id: string | null, email: string | null, ended_at: string | null,
 *   ended_because: string | null }} SignIn
 *
 * @typedef {object} Happened
 * @property {string} id
 * @property {string} at
 * @property {string} kind
 * @property {string | null} user_id
 * @property {string | null} session_id
 * @property {string | null} reason
 * @property {string | null} ip
 * @property {string | null} user_agent
 * @property {Record<string, string>} detail
 *
 * @typedef {object} Activity
 * @property {string} since
 * @property {string} until
 * @property {number} step seconds
 * @property {boolean} complete whether all of it was counted
 * @property {string} counted_since what came before it was not, where it was too much
 * @property {Record<string, number[]>} series
 * @property {Record<string, number>} refused
 *
 * @typedef {Record<string, string | number | null | undefined>} Query
 */

import { ask as asked, Refused } from "../ask.js";

/**
 * @param {string} base with the prefix: `/auth`
 * @param {() => void} lost called where the role is missing, or was taken away
 */
export function administration(base, lost) {
  /**
   * @param {string} method
   * @param {string} path
   * @param {{ query?: Query, body?: unknown, signal?: AbortSignal | undefined }} [more]
   */
  async function ask(method, path, { query = {}, body, signal } = {}) {
    const address = `${base}/admin/${path}${written(query)}`;
    const json = { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
    const wanted = { method, ...(body === undefined ? {} : json), ...(signal ? { signal } : {}) };
    try {
      return await asked(address, wanted);
    } catch (error) {
      // Without a sentence of its own, a refusal means the caller, and not what was asked for.
      if (error instanceof Refused && error.code === "forbidden" && !error.detail) lost();
      throw error;
    }
  }

  /** @param {string} id */
  const user = (id) => `users/${encodeURIComponent(id)}`;
  /** @param {string} id */
  const session = (id) => `sessions/${encodeURIComponent(id)}`;

  return {
    /**
     * @param {Query} query
     * @param {AbortSignal} [signal]
     * @returns {Promise<{ users: User[], next: string | null }>}
     */
    users: (query, signal) => ask("GET", "users", { query, signal }),
    /**
     * @param {string} id
     * @param {AbortSignal} [signal]
     * @returns {Promise<{ user: User }>}
     */
    user: (id, signal) => ask("GET", user(id), { signal }),
    /**
     * @param {string} id
     * @param {AbortSignal} [signal]
     * @returns {Promise<{ sessions: Session[] }>}
     */
    sessionsOf: (id, signal) => ask("GET", `${user(id)}/sessions`, { signal }),
    /**
     * @param {string} id
     * @returns {Promise<{ user: User }>}
     */
    disable: (id) => ask("POST", `${user(id)}/disable`),
    /**
     * @param {string} id
     * @returns {Promise<{ user: User }>}
     */
    enable: (id) => ask("POST", `${user(id)}/enable`),
    /**
     * @param {string} id
     * @param {{ add?: string[], remove?: string[] }} change
     * @returns {Promise<{ user: User }>}
     */
    roles: (id, change) => ask("POST", `${user(id)}/roles`, { body: change }),
    /**
     * @param {string} id
     * @returns {Promise<{ ended: number }>}
     */
    endAll: (id) => ask("DELETE", `${user(id)}/sessions`),
    /**
     * @param {string} id
     * @returns {Promise<null>}
     */
    end: (id) => ask("DELETE", session(id)),
    /**
     * @param {Query} query
     * @param {AbortSignal} [signal]
     * @returns {Promise<{ sessions: SignIn[], next: string | null }>}
     */
    signIns: (query, signal) => ask("GET", "sessions", { query, signal }),
    /**
     * @param {string} id
     * @param {AbortSignal} [signal]
     * @returns {Promise<{ session: SignIn }>}
     */
    signIn: (id, signal) => ask("GET", session(id), { signal }),
    /**
     * @param {Query} query
     * @param {AbortSignal} [signal]
     * @returns {Promise<{ events: Happened[], next: string | null }>}
     */
    events: (query, signal) => ask("GET", "events", { query, signal }),
    /**
     * @param {Query} query
     * @param {AbortSignal} [signal]
     * @returns {Promise<Activity>}
     */
    activity: (query, signal) => ask("GET", "activity", { query, signal }),
  };
}

/** @typedef {ReturnType<typeof administration>} Administration */

/** @param {Query} query what is empty is left out */
function written(query) {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return text && `?${text}`;
}
