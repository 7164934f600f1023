import type { Core } from "./standing.js";
import type { Admit, State } from "./types.js";

export const onChange =
  (core: Core): Admit["onChange"] =>
  (listener) => {
    const own = (state: State) => listener(state); // the same one may listen twice
    core.listeners.add(own);
    return () => void core.listeners.delete(own);
  };
