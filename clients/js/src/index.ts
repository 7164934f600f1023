export { createAdmit } from "./createAdmit.js";
export { AdmitError, CODES, REASONS, type Code, type Details, type Reason } from "./errors.js";
export type { Admit, Listener, Options, Session, State, User } from "./types.js";
