import { nothing } from "./answers.js";
import { call } from "./call.js";
import { json } from "./post.js";
import type { Core } from "./standing.js";
import type { Admit } from "./types.js";

export const changePassword =
  (core: Core): Admit["changePassword"] =>
  async ({ currentPassword, newPassword }) => {
    const body = json({ current_password: currentPassword, new_password: newPassword });
    nothing(await call(core, "/password", { method: "POST", ...body }));
  };
