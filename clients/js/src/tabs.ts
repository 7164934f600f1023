import { REASONS, type Reason } from "./errors.js";
import { isToken, isUser } from "./answers.js";
import { LAST_EPOCH } from "./kept.js";
import type { User } from "./types.js";

/**
 * What tabs tell each other: a token with what is left of it; that nobody is signed in any more; to
 * send nothing for a moment, while somebody signs in.
 */
export type Message =
  | { epoch: number; token: string; left: number; user: User }
  | { epoch: number; out: Reason }
  | { hold: boolean };

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
      try {
        channel ??= new BroadcastChannel(`admit ${base}`);
        channel.onmessage = ({ data }) => isMessage(data) && hear(data);
        (channel as { unref?: () => void }).unref?.(); // Node would wait for it for ever
      } catch {} // there is none, or it is refused as storage is
    },
    close() {
      channel?.close();
      channel = undefined;
    },
  };
}

/** Another version of this client may be open in another tab. */
function isMessage(data: any): data is Message {
  const isIn = isToken(data?.token) && data.left > 0 && isUser(data.user);
  return data?.hold != null || ((isIn || REASONS.includes(data?.out)) && data.epoch < LAST_EPOCH);
}
