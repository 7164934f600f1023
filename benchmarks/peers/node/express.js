// What the tutorials on Express and JWT end with: users and refresh tokens in memory, an access
// token of 15 minutes in the body, a refresh token of 7 days in a cookie, which a refresh checks
// and does not change. Where they differ it does what is kinder to it: signing out takes the
// refresh token off the list, and the list is a Set, not an array that every refresh searches.
//
// Run with a port, and with ACCESS_TOKEN_SECRET, REFRESH_TOKEN_SECRET and BCRYPT_ROUNDS set. With
// KEY_ONCE each secret is made a key once, which no tutorial does: handed as text, jsonwebtoken
// makes a key of it for each token.

import { createSecretKey, randomUUID } from "node:crypto";

import bcrypt from "bcryptjs";
import cookieParser from "cookie-parser";
import express from "express";
import jwt from "jsonwebtoken";

const secret = (text) => (process.env.KEY_ONCE ? createSecretKey(text, "utf8") : text);
const ACCESS_TOKEN_SECRET = secret(process.env.ACCESS_TOKEN_SECRET);
const REFRESH_TOKEN_SECRET = secret(process.env.REFRESH_TOKEN_SECRET);
const ROUNDS = Number(process.env.BCRYPT_ROUNDS);
const COOKIE = { httpOnly: true, secure: true, sameSite: "strict" };
const WEEK = 7 * 24 * 60 * 60 * 1000;

const users = new Map(); // by email
const refreshTokens = new Set();

const app = express();
app.disable("x-powered-by"); // as Express's guide to security asks
app.disable("etag"); // nothing here is cached
app.use(express.json());
app.use(cookieParser());

const accessToken = (user) =>
  jwt.sign({ id: user.id, email: user.email }, ACCESS_TOKEN_SECRET, { expiresIn: "15m" });

function authenticate(req, res, next) {
  const token = req.headers.authorization?.split(" ")[1];
  if (!token) return res.status(401).json({ message: "No token" });
  jwt.verify(token, ACCESS_TOKEN_SECRET, { algorithms: ["HS256"] }, (error, user) => {
    if (error) return res.status(403).json({ message: "Invalid token" });
    req.user = user;
    next();
  });
}

app.get("/hello", (req, res) => res.json({ hello: "world" }));

app.post("/register", async (req, res) => {
  const { email, password } = req.body;
  if (!email || !password) return res.status(400).json({ message: "Email and password needed" });
  if (users.has(email)) return res.status(409).json({ message: "User exists" });
  const passwordHash = await bcrypt.hash(password, ROUNDS);
  users.set(email, { id: randomUUID(), email, passwordHash });
  res.status(201).json({ message: "User created" });
});

app.post("/login", async (req, res) => {
  const { email, password } = req.body;
  const user = users.get(email);
  if (!user || !(await bcrypt.compare(password, user.passwordHash)))
    return res.status(401).json({ message: "Invalid credentials" });
  const refreshToken = jwt.sign({ email }, REFRESH_TOKEN_SECRET, { expiresIn: "7d" });
  refreshTokens.add(refreshToken);
  res.cookie("refreshToken", refreshToken, { ...COOKIE, maxAge: WEEK });
  res.json({ accessToken: accessToken(user) });
});

app.post("/refresh", (req, res) => {
  const { refreshToken } = req.cookies;
  if (!refreshToken) return res.status(401).json({ message: "No token" });
  if (!refreshTokens.has(refreshToken)) return res.status(403).json({ message: "Invalid token" });
  jwt.verify(refreshToken, REFRESH_TOKEN_SECRET, { algorithms: ["HS256"] }, (error, payload) => {
    if (error) return res.status(403).json({ message: "Invalid token" });
    res.json({ accessToken: accessToken(users.get(payload.email)) });
  });
});

app.get("/protected", authenticate, (req, res) => res.json({ user: req.user }));

app.post("/logout", (req, res) => {
  refreshTokens.delete(req.cookies.refreshToken);
  res.clearCookie("refreshToken", COOKIE);
  res.sendStatus(204);
});

const server = app.listen(Number(process.argv[2]), "127.0.0.1");
server.keepAliveTimeout = 65_000; // longer than a balancer's in front, as is usual
