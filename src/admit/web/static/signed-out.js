// Why one was signed out is told by the server. What is here is the client alone: it tells the
// server of a sign-out that it has not heard of, because it was away.

import { neverOld } from "./page.js";

neverOld();
