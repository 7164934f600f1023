"use strict";
// What tutorials end with: the cookie parsed by hand, jsonwebtoken, and nothing asked of a database.

const jwt = require("jsonwebtoken");

const SECRET = process.env.TOKEN_SECRET;

exports.handler = async (event) => {
  const pairs = (event.cookies ?? []).map((cookie) => cookie.split("="));
  const token = Object.fromEntries(pairs).refresh_token;
  try {
    const { sub } = jwt.verify(token, SECRET, { algorithms: ["HS256"] });
    const access = jwt.sign({ sub }, SECRET, { expiresIn: "15m" });
    return {
      statusCode: 200,
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ access_token: access }),
    };
  } catch {
    return { statusCode: 401, body: JSON.stringify({ message: "Unauthorized" }) };
  }
};
