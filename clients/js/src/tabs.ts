import { REASONS, type Reason } from "./errors.js";
import { isToken, isUser } from "./answers.js";
import type { User } from "./types.js";

/** What tabs tell each other: a token with what is left of it, a sign-out, or to look themselves. */
export type Message =
  | { epoch: number; token: string; left: number; user: User }
  | { epoch: number; out: Reason | null }
  | { look: true };

export interface Tabs {
  tell(message: Message): void;
  open(): void;
  close(): void;
}

/** The other tabs of this browser, as far as there is a way to speak to them. */
export function joinTabs(base: string, hear: (message: Message) => void): Tabs {
  let channel: BroadcastChannel | undefined;
  return {
    tell: (message) => channel?.postMessage(message),
    open() {
      if (channel || !globalThis.BroadcastChannel) return;
      channel = new BroadcastChannel(`admit ${base}`);
      channel.onmessage = ({ data }) => isMessage(data) && hear(data);
    },
    close() {
      channel?.close();
      channel = undefined;
    },
  };
}

/** Another version of this client may be open in another tab. */
function isMessage(data: Partial<Record<string, unknown>> | null): data is Message {
  if (!data) return false;
  if (data.look) return true;
  if (!Number.isFinite(data.epoch)) return false;
  if ("out" in data) return data.out === null || REASONS.includes(data.out as Reason);
  return isToken(data.token) && Number.isFinite(data.left) && isUser(data.user);
}
