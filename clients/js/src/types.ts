import type { Reason } from "./errors.js";

/** A person who can sign in, as the server shows them. Times are RFC 3339, in UTC. */
export interface User {
  id: string;
  email: string;
  username: string | null;
  roles: string[];
  email_verified: boolean;
  created_at: string;
}

/** One sign-in on one device; `current` is the one of this browser. */
export interface Session {
  id: string;
  current: boolean;
  opened_at: string;
  last_seen_at: string;
  expires_at: string;
  ip: string | null;
  user_agent: string | null;
}

/** Who is signed in; or that nobody is, and why not any longer (null: nobody was). */
export type State = { signedIn: true; user: User } | { signedIn: false; reason: Reason | null };

export type Listener = (state: State) => void;

export interface Options {
  /** Where Admit answers, with its prefix: "https://api.example.com/auth", or "/auth". */
  baseUrl: string;
  /** Further origins that may be given the access token, such as "https://orders.example.com". */
  origins?: readonly string[];
}

/**
 * What `createAdmit` gives. Every promise is rejected with an `AdmitError`; that of `fetch` also
 * with the browser's own errors.
 */
export interface Admit {
  /** Make an account; it signs nobody in. */
  register(input: { email: string; password: string; username?: string }): Promise<User>;
  /** Sign in with the e-mail address or the username. */
  signIn(input: { login: string; password: string }): Promise<User>;
  /** Sign out here, at once and whether or not the server is reached; it is told until it hears. */
  signOut(): Promise<void>;
  /** End every session of this user. Where that fails, nothing has changed. */
  signOutEverywhere(): Promise<void>;
  /**
   * As the browser's `fetch`, with the access token; renews it once where it is refused.
   * Throws a TypeError for an origin that is neither `baseUrl`'s nor in `origins`.
   */
  fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response>;
  /** An access token that is good now; null where nobody is signed in. */
  getAccessToken(): Promise<string | null>;
  /** Who is signed in, by the server's word; null where nobody is. */
  session(): Promise<{ user: User; session: Session } | null>;
  /** The living sessions of this user, the newest first. */
  sessions(): Promise<Session[]>;
  /** End one of them. */
  endSession(id: string): Promise<void>;
  /** Change the password, which ends every other session. */
  changePassword(input: { currentPassword: string; newPassword: string }): Promise<void>;
  /** Hear of every sign-in and sign-out, in this tab and others; returns what ends that. */
  onChange(listener: Listener): () => void;
  /** No more timers, channels and listeners. */
  close(): void;
}
