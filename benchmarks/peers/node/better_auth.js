// better-auth with e-mail and password on SQLite, as its documentation sets it up, on Node's own
// HTTP server. Its scrypt is its own; CHEAP_PASSWORDS stands in for it in the races, where no hash
// is asked about. COOKIE_CACHE turns on what its guide to performance recommends: the session in a
// signed cookie for 5 minutes, as an access token beside a refresh token.
//
// Run with a port, and with BETTER_AUTH_SECRET and BETTER_AUTH_URL set, in the directory that holds
// its database.

import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { DatabaseSync } from "node:sqlite";

import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { fromNodeHeaders, toNodeHandler } from "better-auth/node";

const HELLO = JSON.stringify({ hello: "world" });
const JSON_TYPE = { "content-type": "application/json" };

const digest = (password) => createHash("sha256").update(password).digest("hex");
const cheap = {
  hash: async (password) => digest(password),
  verify: async ({ hash, password }) => digest(password) === hash,
};

const database = new DatabaseSync("better-auth.db");
database.exec("PRAGMA journal_mode = WAL");

const auth = betterAuth({
  database,
  emailAndPassword: {
    enabled: true,
    autoSignIn: false, // to register is one thing here, to sign in another
    ...(process.env.CHEAP_PASSWORDS && { password: cheap }),
  },
  session: { cookieCache: { enabled: Boolean(process.env.COOKIE_CACHE), maxAge: 5 * 60 } },
  rateLimit: { enabled: false }, // one address sends all of a load
  telemetry: { enabled: false },
  logger: { level: "error" },
});
await (await getMigrations(auth.options)).runMigrations();
const answered = toNodeHandler(auth);

function send(response, status, body, headers = JSON_TYPE) {
  response.writeHead(status, { ...headers, "content-length": Buffer.byteLength(body) });
  response.end(body);
}

async function protect(request, response) {
  const { headers, response: found } = await auth.api.getSession({
    headers: fromNodeHeaders(request.headers),
    returnHeaders: true, // it may renew a cookie
  });
  const cookies = headers.getSetCookie();
  if (cookies.length) response.setHeader("set-cookie", cookies);
  if (!found) return send(response, 401, JSON.stringify({ message: "Unauthorized" }));
  const { user, session } = found;
  const told = { id: user.id, email: user.email, session: session.id, ends: session.expiresAt };
  send(response, 200, JSON.stringify(told));
}

const server = createServer(async (request, response) => {
  if (request.url === "/hello") return send(response, 200, HELLO);
  if (request.url !== "/protected") return answered(request, response);
  try {
    await protect(request, response);
  } catch (error) {
    console.error(error);
    send(response, 500, JSON.stringify({ message: "Internal Server Error" }));
  }
});
server.keepAliveTimeout = 65_000; // longer than a balancer's in front, as is usual
server.listen(Number(process.argv[2]), "127.0.0.1");
