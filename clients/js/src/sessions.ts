import { shaped } from "./answers.js";
import { call } from "./call.js";
import type { Core } from "./standing.js";
import type { Admit, Session } from "./types.js";

export const sessions =
  (core: Core): Admit["sessions"] =>
  async () => {
    const said = await call(core, "/sessions");
    const isList = ({ sessions }: { sessions: unknown }) => Array.isArray(sessions);
    return shaped<{ sessions: Session[] }>(said, isList).sessions;
  };
