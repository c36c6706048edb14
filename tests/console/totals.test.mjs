// Totals are an answer of their own, and say themselves what they lack.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, open, shot } from "./browser.mjs";
import { gateway } from "./gateway.mjs";

let browser;
let served;

before(async () => {
  [browser, served] = await Promise.all([launch(), gateway()]);
});

after(async () => {
  await browser.close();
  await served.stop();
});

const totals = (page) => page.getByRole("region", { name: "Totals" });

test("a summary that lacks a source says which, though the list is whole so far", async () => {
  const { page, close } = await open(browser, served);
  const summary = await (await fetch(`${served.address}/loans/summary`)).json();
  const lost = { ...summary.sources.find(({ connection }) => connection === "belvo"), status: "failed", count: 0 };
  lost.error = { code: "upstream_timeout", detail: "", retryable: true, retry_after_ms: null, upstream_status: null, attempts: 3 };
  const sources = summary.sources.map((source) => (source.connection === "belvo" ? lost : source));
  await page.route("**/loans/summary*", (route) => route.fulfill({ json: { ...summary, complete: false, sources } }));
  await page.goto(`${served.page}#/loans`);
  await page.waitForSelector("[data-complete=true]");
  await page.waitForSelector("[data-totals=partial]");
  await totals(page).getByText("gave nothing: it did not answer in time, after 3 attempts.").waitFor();
  assert.equal(await totals(page).locator(".gaps strong").textContent(), "belvo");
  await shot(page, "totals-partial");
  await close();
});

test("totals of one person's loans are whole by their last line only", async () => {
  const { page, close } = await open(browser, served, { fragment: "#/loans" });
  await page.waitForSelector("[data-totals=whole]");
  let change = (text) => text;
  await page.route("**/loans/search", async (route) => {
    if (route.request().headers().accept !== "application/x-ndjson") return route.continue();
    const answer = await route.fetch();
    return route.fulfill({ response: answer, body: change(await answer.text()) });
  });
  const add = async (value) => {
    await page.getByLabel("Its value").fill(value);
    await page.getByRole("button", { name: "Add", exact: true }).click();
  };
  await page.getByLabel("Reference").selectOption("bsa:customer");
  await add("42");
  await page.waitForSelector("[data-totals=whole]");
  await page.waitForSelector('[data-currency=TZS] > .amount:text("5,038.50")');

  change = (text) => text.slice(0, text.trimEnd().lastIndexOf("\n") + 1);
  await page.click("text=Fetch anew");
  await totals(page).getByRole("alert").getByText("The totals were cut").waitFor();
  assert.equal(await totals(page).locator(".amount").count(), 0);

  change = (text) => text.replace('"complete":true', '"complete":false').replace('"status":"ok"', '"status":"partial"');
  await totals(page).getByRole("button", { name: "Ask again" }).click();
  await page.waitForSelector("[data-totals=partial]");
  await totals(page).getByText("gave a part.").waitFor();
  await close();
});
