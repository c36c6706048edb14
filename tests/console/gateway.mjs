// A gateway as it is really run, over simulators.

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { front } from "./providers.mjs";

const BINARY = process.env.LOANGATE_BINARY;
const EXAMPLE = new URL("../../config/example.toml", import.meta.url);

// Starts the binary and waits for the line that says where it listens.
function start(args, env, pattern) {
  const child = spawn(BINARY, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  const address = new Promise((found, failed) => {
    const listen = (part) => {
      said += part;
      const match = pattern.exec(said);
      if (match) found(match[1]);
    };
    child.stdout.on("data", listen);
    child.stderr.on("data", listen);
    child.on("exit", () => failed(new Error(`${args.join(" ")} ended:\n${said}`)));
  });
  const stop = () =>
    new Promise((stopped) => {
      if (child.exitCode !== null) return stopped();
      child.on("exit", stopped);
      child.kill("SIGCONT");
      child.kill("SIGKILL");
    });
  return { child, address, stop };
}

// The variables that let somebody in with this key.
export function client(at, id, key, scopes, connections = "*") {
  const name = (part) => `LOANGATE__AUTH__CLIENTS__${at}__${part}`;
  return {
    LOANGATE__AUTH__MODE: "api_key",
    [name("ID")]: id,
    [name("KEY_HASH")]: `sha256:${createHash("sha256").update(key).digest("hex")}`,
    [name("SCOPES")]: scopes,
    [name("CONNECTIONS")]: connections,
  };
}

// `loans`: a generated book of so many of each provider; without it, the records of the providers' documents.
export async function gateway({ env = {}, loans = null } = {}) {
  const generated = loans === null ? [] : ["--loans", String(loans), "--seed", "7"];
  const simulators = start(["simulate", "--port", "0", ...generated], {}, /(http:\/\/127\.0\.0\.1:\d+);/);
  const providers = await front(await simulators.address);
  const directory = await mkdtemp(join(tmpdir(), "loangate-console-"));
  const config = join(directory, "config.toml");
  const example = await readFile(EXAMPLE, "utf8");
  await writeFile(config, example.replaceAll("http://127.0.0.1:9090", providers.address));
  const serve = (listen) => start(["serve", "--config", config], { LOANGATE__SERVER__LISTEN: listen, ...env }, /"message":"ready","listen":"([^"]+)"/);
  let served = serve("127.0.0.1:0");
  const listen = await served.address;
  const address = `http://${listen}`;
  return {
    address,
    page: `${address}${env.LOANGATE__SERVER__BASE_PATH ?? ""}/console`,
    providers,
    pause: () => served.child.kill("SIGSTOP"),
    resume: () => served.child.kill("SIGCONT"),
    // Another one at the same address, which knows of nothing that the first one held.
    async restart() {
      await served.stop();
      served = serve(listen);
      await served.address;
    },
    async stop() {
      await served.stop();
      await simulators.stop();
      await providers.close();
      await rm(directory, { recursive: true });
    },
  };
}
