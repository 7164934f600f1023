import { nothing } from "./answers.js";
import { call } from "./call.js";
import type { Core } from "./standing.js";
import type { Admit } from "./types.js";

export const endSession =
  (core: Core): Admit["endSession"] =>
  async (id) => {
    const path = `/sessions/${encodeURIComponent(id)}`;
    nothing(await call(core, path, { method: "DELETE" }));
  };
