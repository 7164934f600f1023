import { isTokens, shaped, type Tokens } from "./answers.js";
import { signedOut } from "./call.js";
import { newKey } from "./kept.js";
import { inLine } from "./line.js";
import { json, post } from "./post.js";
import { askOut } from "./signOut.js";
import { dueIn, enter, moveOn, now, type Core } from "./standing.js";
import type { Admit } from "./types.js";

export const signIn =
  (core: Core): Admit["signIn"] =>
  ({ login, password }) => {
    const { outs } = core;
    return inLine(core, async () => {
      core.tabs.tell({ hold: true });
      const asked = now();
      const said = await post(`${core.base}/login`, json({ login, password }));
      const tokens = shaped<Tokens>(said, isTokens);
      if (core.outs !== outs) {
        askOut(core); // whoever signed out meanwhile does not want this session either
        dueIn(core, 0);
        throw signedOut(core);
      }
      core.kept.write("out", null); // before the others see that somebody signed in
      newKey(core.kept);
      moveOn(core);
      enter(core, tokens, asked);
      return tokens.user;
    }).catch((error) => {
      core.tabs.tell({ hold: false });
      throw error;
    });
  };
