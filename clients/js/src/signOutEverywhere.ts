import { nothing } from "./answers.js";
import { call } from "./call.js";
import { goOut } from "./signOut.js";
import type { Core } from "./standing.js";
import type { Admit } from "./types.js";

export const signOutEverywhere =
  (core: Core): Admit["signOutEverywhere"] =>
  async () => {
    const init: RequestInit = { method: "POST", credentials: "include" };
    nothing(await call(core, "/logout/all", init));
    goOut(core);
  };
