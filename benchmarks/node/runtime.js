"use strict";
// Lambda's Runtime API, as AWS's client for Node speaks it, which does not build everywhere:
// ask for an event, hand it to the handler, post what it gives, for ever.

const http = require("node:http");

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const { handler } = require(process.argv[2]);

function ask(method, path, body) {
  return new Promise((resolve, reject) => {
    const options = { host, port, agent, method, path: `/2018-06-01/runtime/invocation/${path}` };
    const request = http.request(options, (response) => {
      const parts = [];
      response.on("data", (part) => parts.push(part));
      response.on("end", () => resolve([response.headers, Buffer.concat(parts).toString()]));
    });
    request.on("error", reject);
    request.end(body);
  });
}

async function main() {
  for (;;) {
    const [headers, event] = await ask("GET", "next");
    const answer = await handler(JSON.parse(event));
    await ask("POST", `${headers["lambda-runtime-aws-request-id"]}/response`, JSON.stringify(answer));
  }
}

main().catch(() => process.exit(1));
