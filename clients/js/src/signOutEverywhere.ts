import { isNothing, shaped } from "./answers.js";
import { call } from "./call.js";
import { goOut } from "./signOut.js";
import type { Core } from "./standing.js";
import type { Admit } from "./types.js";

export const signOutEverywhere =
  (core: Core): Admit["signOutEverywhere"] =>
  async () => {
    const init: RequestInit = { method: "POST", credentials: "include" };
    shaped(await call(core, "/logout/all", init), isNothing);
    core.outs++;
    goOut(core);
  };
