/** What outlives the page: never a token. */
export interface Kept {
  read(name: Name): string | null;
  write(name: Name, value: string | null): void;
  /** What could not be written is no longer so. */
  forget(name: Name): unknown;
}

/**
 * `key`: the Idempotency-Key of the next refresh, or of one whose answer has not come.
 * `out`: this browser is to be signed out, and the server has not heard of it.
 * `epoch`: moves with every sign-in and sign-out.
 */
type Name = "key" | "out" | "epoch";

/** Up to here an epoch can be told apart from the next. */
export const LAST_EPOCH = 1e12;

/** In localStorage, so that other tabs and later pages find it; in memory where that is not let. */
export function keep(base: string): Kept {
  const memory = new Map<string, string>();
  const full = (name: Name) => `admit ${base} ${name}`;
  return {
    read(name) {
      try {
        return memory.get(name) ?? localStorage.getItem(full(name));
      } catch {
        return null;
      }
    },
    forget: (name) => memory.delete(name),
    write(name, value) {
      memory.delete(name);
      try {
        if (value === null) localStorage.removeItem(full(name));
        else localStorage.setItem(full(name), value);
      } catch {
        if (value !== null) memory.set(name, value);
      }
    },
  };
}

/**
 * The key of the refresh that is about to be sent: the one that stands there, for all tabs.
 *
 * Whatever else writes there is not sent: a header that is refused would be so for ever.
 */
export function retryKey(kept: Kept): string {
  const key = kept.read("key") as string;
  return /^[\d-]{7,43}$/.test(key) ? key : newKey(kept);
}

/**
 * The refresh with this key had its answer: the next one gets another, which stands there long
 * before it is needed. So tabs that begin in the same instant send the same key, and should all
 * their answers be lost, whoever comes later repeats what the server took.
 */
export function keyUsed(kept: Kept, key: string): void {
  if (kept.read("key") === key) newKey(kept);
}

export function newKey(kept: Kept): string {
  const key = crypto.getRandomValues(new Uint32Array(4)).join("-");
  kept.write("key", key);
  return key;
}
