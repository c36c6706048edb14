// Stands between the gateway and the simulators: lets everything pass, until a test makes a provider stall, or write
// something else into what it sends.

import http from "node:http";

export async function front(simulators) {
  const stalled = new Set();
  const held = new Set();
  const rewrites = new Map();
  const server = http.createServer((request, response) => {
    const provider = request.url.split("/")[1];
    if (stalled.has(provider)) {
      held.add(response);
      response.on("close", () => held.delete(response));
      return;
    }
    const passed = http.request(`${simulators}${request.url}`, { method: request.method, headers: request.headers }, (answer) => {
      const rewrite = rewrites.get(provider);
      if (!rewrite) {
        response.writeHead(answer.statusCode, answer.headers);
        answer.pipe(response);
        return;
      }
      const parts = [];
      answer.on("data", (part) => parts.push(part));
      answer.on("end", () => {
        const body = Buffer.from(rewrite(Buffer.concat(parts).toString()));
        response.writeHead(answer.statusCode, { ...answer.headers, "content-length": body.length });
        response.end(body);
      });
    });
    passed.on("error", () => response.destroy());
    request.pipe(passed);
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    address: `http://127.0.0.1:${server.address().port}`,
    stall: (provider) => stalled.add(provider),
    heal(provider) {
      stalled.delete(provider);
      held.forEach((response) => response.destroy());
    },
    rewrite: (provider, change) => rewrites.set(provider, change),
    close() {
      server.closeAllConnections();
      return new Promise((closed) => server.close(closed));
    },
  };
}
