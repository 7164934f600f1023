import { isUser, shaped } from "./answers.js";
import { call } from "./call.js";
import { idOf, settle, type Core } from "./standing.js";
import type { Admit, Session, User } from "./types.js";

export const session =
  (core: Core): Admit["session"] =>
  async () => {
    try {
      const said = await call(core, "/me");
      const me = shaped<{ user: User; session: Session }>(
        said,
        ({ user, session }) => isUser(user) && session?.id,
      );
      // Roles may have changed; somebody else may have signed in meanwhile.
      if (core.token && idOf(core) === me.user.id) settle(core, { signedIn: true, user: me.user });
      return me;
    } catch (error) {
      if (core.known && !core.state?.signedIn) return null;
      throw error;
    }
  };
