// A browser, and pages in it that let nothing wrong pass: no error, no breach of the policy, no request to anybody else.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const OUT = process.env.LOANGATE_CONSOLE_OUT;
const require = createRequire(join(OUT, "tools", "x.js"));
const { chromium } = require("playwright-core");
export const AXE = require.resolve("axe-core/axe.min.js");

const SWITCHES = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
];

export const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: SWITCHES });

// `before`: what is done to the page before it goes anywhere. `expected`: statuses of answers that a test brings about; a browser says them in its console.
export async function open(browser, gateway, { width = 1280, height = 900, scheme = "light", expected = [], fragment = "", before = () => {}, ...more } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, timezoneId: "UTC", locale: "en-GB", ...more });
  const wrong = [];
  const asked = [];
  await context.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => console.error(`POLICY ${event.violatedDirective} ${event.blockedURI}`));
  });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  page.on("pageerror", (error) => wrong.push(`error: ${error.stack}`));
  page.on("console", (message) => {
    const text = message.text();
    const known = /status of (\d+)/.exec(text);
    if (message.type() === "error" && !(known && [404, ...expected].includes(Number(known[1])))) wrong.push(`console: ${text}`);
  });
  page.on("request", (request) => {
    asked.push({ method: request.method(), url: request.url(), body: request.postData() });
    if (new URL(request.url()).origin !== gateway.address && !request.url().startsWith("blob:")) wrong.push(`elsewhere: ${request.url()}`);
  });
  await before(page);
  await page.goto(`${gateway.page}${fragment}`);
  return {
    page,
    asked,
    forgive: (pattern) => wrong.splice(0, wrong.length, ...wrong.filter((text) => !pattern.test(text))),
    async close() {
      await context.close();
      assert.deepEqual(wrong, []);
    },
  };
}

// The first request to `path` of which `is` is true, which gets no answer before it is given one here. Those after it get none.
export const held = (page, path, is = () => true) => new Promise((come) => page.route(path, (route) => (is(route) ? come(route) : route.continue())));

// For a page: its clock goes so much ahead.
export function ahead(milliseconds) {
  const real = Date.now;
  Date.now = () => real() + milliseconds;
}

mkdirSync(OUT, { recursive: true });
export const shot = (page, name, options = {}) => page.screenshot({ path: join(OUT, `${name}.png`), animations: "disabled", ...options });

// Nothing reaches beyond the window's width.
export async function fits(page) {
  const [inside, room] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  assert.ok(inside <= room, `${inside} px wide in a window of ${room}`);
}

// What a machine can tell of whether everybody can use it.
export async function accessible(page) {
  // Through the debugger, so that the page's policy need not let it in.
  const { readFileSync } = await import("node:fs");
  await page.evaluate(`${readFileSync(AXE, "utf8")}; undefined`);
  const violations = await page.evaluate(async () => {
    const { violations } = await globalThis.axe.run(document, { resultTypes: ["violations"] });
    return violations.map(({ id, impact, nodes }) => ({ id, impact, at: nodes.slice(0, 3).map(({ html, failureSummary }) => `${html}\n${failureSummary}`) }));
  });
  const grave = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  assert.deepEqual(grave, []);
}
