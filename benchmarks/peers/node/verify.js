// Times how long the libraries on Node take to verify an access token.
//
// Reads JSON from its standard input:
//   issuer, audience  what every library expects of a token, besides that it has not ended
//   warmUp            how many verifications of each library come before those that count
//   seen, repeats     how many tokens are in use at the same time, and how often each comes again
//   libraries         which of them; all where it is missing
//   sets              [{ algorithm, key: a JWK, tokens: [...], expired: a token that has ended }]
// Writes JSON: [{ library, algorithm, first, seen }], microseconds for one verification of a token
// at first sight, and of one that it has verified before. Every token that is timed is a string of
// its own, as a server makes of each request's header. Ends with an error where a library takes a
// token that it should refuse, so that all of them check the same.

import { createPublicKey, createSecretKey, webcrypto } from "node:crypto";
import { text } from "node:stream/consumers";

import { createVerifier } from "fast-jwt";
import { jwtVerify } from "jose";
import jwt from "jsonwebtoken";

const AT_ONCE = 16;
const WEB_CRYPTO = {
  HS256: { name: "HMAC", hash: "SHA-256" },
  ES256: { name: "ECDSA", namedCurve: "P-256" },
};

const keyObject = (jwk) =>
  jwk.kty === "oct"
    ? createSecretKey(Buffer.from(jwk.k, "base64url"))
    : createPublicKey({ key: jwk, format: "jwk" });

const exported = (key) =>
  key.type === "secret" ? key.export() : key.export({ type: "spki", format: "pem" });

function byJsonwebtoken({ algorithm, key }, { issuer, audience }) {
  const prepared = keyObject(key);
  const options = { algorithms: [algorithm], issuer, audience };
  return (token) => jwt.verify(token, prepared, options);
}

// The tutorials hand the secret in as text, and it is made a key anew for each token.
function asInTutorials({ algorithm, key }, { issuer, audience }) {
  const secret = Buffer.from(key.k, "base64url").toString();
  const options = { algorithms: [algorithm], issuer, audience };
  return (token) => jwt.verify(token, secret, options);
}

async function byJose({ algorithm, key }, { issuer, audience }) {
  const { kty, k, crv, x, y } = key; // only what makes the key, whatever it says it is for
  const jwk = kty === "oct" ? { kty, k } : { kty, crv, x, y };
  const prepared = await webcrypto.subtle.importKey("jwk", jwk, WEB_CRYPTO[algorithm], false, [
    "verify",
  ]);
  const options = { algorithms: [algorithm], issuer, audience, requiredClaims: ["exp"] };
  return async (token) => (await jwtVerify(token, prepared, options)).payload;
}

const byFastJwt = (cache) => ({ algorithm, key }, { issuer, audience }) =>
  createVerifier({
    key: exported(keyObject(key)),
    algorithms: [algorithm],
    allowedIss: issuer,
    allowedAud: audience,
    requiredClaims: ["exp", "iss", "aud"],
    ...cache,
  });

const LIBRARIES = [
  { library: "jsonwebtoken", made: byJsonwebtoken, time: oneByOne },
  {
    library: "jsonwebtoken, as in the tutorials",
    made: asInTutorials,
    time: oneByOne,
    only: "HS256",
  },
  { library: "jose", made: byJose, time: oneAfterTheOther },
  { library: `jose, ${AT_ONCE} at once`, made: byJose, time: together },
  { library: "fast-jwt", made: byFastJwt({}), time: oneByOne },
  { library: "fast-jwt, its cache", made: byFastJwt({ cache: true }), time: oneByOne, remembers: true },
  {
    library: "fast-jwt, its cache by the token's text",
    made: byFastJwt({ cache: true, cacheKeyBuilder: (token) => token }),
    time: oneByOne,
    remembers: true,
  },
];

let last; // what was verified is kept, or the compiler might leave the work out

function oneByOne(verify, tokens) {
  for (const token of tokens) last = verify(token);
}

async function oneAfterTheOther(verify, tokens) {
  for (const token of tokens) last = await verify(token);
}

async function together(verify, tokens) {
  const waiting = tokens.values();
  const one = async () => {
    for (const token of waiting) last = await verify(token);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
}

const fresh = (tokens) => tokens.map((token) => Buffer.from(token, "latin1").toString("latin1"));

async function timed({ time }, verify, tokens) {
  const started = process.hrtime.bigint();
  await time(verify, tokens);
  return Number(process.hrtime.bigint() - started) / 1000 / tokens.length;
}

async function refuses(verify, token) {
  try {
    await verify(token);
  } catch {
    return true;
  }
  return false;
}

async function check({ library, made }, set, expected) {
  const [good] = set.tokens;
  const verify = await made(set, expected);
  const { sub } = await verify(good);
  const forged = good.slice(0, -10) + (good.at(-10) === "A" ? "B" : "A") + good.slice(-9);
  const wrong = [
    !sub,
    !(await refuses(verify, set.expired)),
    !(await refuses(verify, forged)),
    !(await refuses(await made(set, { ...expected, issuer: "https://other.example" }), good)),
    !(await refuses(await made(set, { ...expected, audience: "https://other.example" }), good)),
  ];
  if (wrong.includes(true)) throw new Error(`${library} verifies ${set.algorithm} wrongly: ${wrong}`);
}

async function warmUp(measured, set, given) {
  for (let done = 0; done < given.warmUp; done += set.tokens.length) {
    const verify = await measured.made(set, given); // a cache is empty again
    await measured.time(verify, fresh(set.tokens));
    if (measured.remembers) await measured.time(verify, seenAgain(measured, set, given));
  }
}

function seenAgain({ remembers }, { tokens }, { seen, repeats }) {
  const recent = tokens.slice(-seen);
  const times = Math.ceil(tokens.length / recent.length) * (remembers ? repeats : 1);
  return fresh(Array.from({ length: times }, () => recent).flat());
}

async function measure(measured, set, given) {
  await check(measured, set, given);
  await warmUp(measured, set, given);
  const verify = await measured.made(set, given);
  const first = await timed(measured, verify, fresh(set.tokens));
  const seen = await timed(measured, verify, seenAgain(measured, set, given));
  return { library: measured.library, algorithm: set.algorithm, first, seen };
}

const given = JSON.parse(await text(process.stdin));
const figures = [];
const isAsked = ({ library, only }, { algorithm }) =>
  (given.libraries ?? [library]).includes(library) && (only ?? algorithm) === algorithm;
for (const set of given.sets)
  for (const measured of LIBRARIES)
    if (isAsked(measured, set)) figures.push(await measure(measured, set, given));
console.log(JSON.stringify(figures));
