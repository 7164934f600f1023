import { PATIENCE } from "./answers.js";
import { inLine } from "./line.js";
import { leave, move, now, take, type Core } from "./standing.js";
import type { Message } from "./tabs.js";

/** Take in what another tab says. What is older than what this one knows changes nothing. */
export function hear(core: Core, message: Message): void {
  if ("hold" in message) return hold(core, message.hold);
  const { epoch } = message;
  if (epoch < core.epoch) return;
  if (epoch > core.epoch || "out" in message) move(core, epoch);
  hold(core);
  if ("out" in message) leave(core, message.out);
  else if (core.token ? now() + message.left > core.ends : !core.known) {
    core.kept.forget("out"); // whoever signed in has ended that session
    take(core, message.token, message.user, now(), message.left);
  }
}

/**
 * Another tab signs in, or is done: what is sent here meanwhile waits, and what was sent is ended.
 *
 * The cookie of an answer that came after theirs would take the place of the new session's.
 */
function hold(core: Core, on?: boolean): void {
  core.free?.();
  if (!on) return;
  const held = new Promise<void>((resolve) => {
    core.free = resolve;
    setTimeout(resolve, PATIENCE); // it may have died
  });
  void inLine(core, () => held);
}
