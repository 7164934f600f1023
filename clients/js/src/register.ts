import { isUser, shaped } from "./answers.js";
import { json, post } from "./post.js";
import type { Core } from "./standing.js";
import type { Admit, User } from "./types.js";

export const register =
  (core: Core): Admit["register"] =>
  async ({ email, password, username }) => {
    const said = await post(`${core.base}/register`, json({ email, password, username }));
    return shaped<{ user: User }>(said, ({ user }) => isUser(user)).user;
  };
