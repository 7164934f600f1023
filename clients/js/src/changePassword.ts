import { isNothing, shaped } from "./answers.js";
import { call, json } from "./call.js";
import type { Core } from "./standing.js";
import type { Admit } from "./types.js";

export const changePassword =
  (core: Core): Admit["changePassword"] =>
  async ({ currentPassword, newPassword }) => {
    const body = json({ current_password: currentPassword, new_password: newPassword });
    shaped(await call(core, "/password", { method: "POST", ...body }), isNothing);
  };
