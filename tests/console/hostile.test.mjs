// What providers write is shown and never run.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, open } from "./browser.mjs";
import { gateway } from "./gateway.mjs";

const SCRIPT = "<script>window.pwned = 1</script>";
const IMAGE = "<img src=x onerror=window.pwned=1>";
const LINK = "javascript:window.pwned=1";

let browser;
let served;

before(async () => {
  [browser, served] = await Promise.all([launch(), gateway()]);
  served.providers.rewrite("goscore", (text) => text.replaceAll("SPAREBANK 1 KREDITT AS", SCRIPT));
  served.providers.rewrite("bsa", (text) =>
    text
      .replaceAll("Halotel 7-Day Loan", IMAGE)
      .replaceAll(/"status": ?"Active"/g, `"status": ${JSON.stringify(`Active ${IMAGE}`)}, ${JSON.stringify(IMAGE)}: ${JSON.stringify(SCRIPT)}, "link": "${LINK}", "__proto__": {"polluted": true}`),
  );
});

after(async () => {
  await browser.close();
  await served.stop();
});

async function harmless(page) {
  assert.equal(await page.evaluate(() => window.pwned), undefined);
  assert.equal(await page.evaluate(() => ({}).polluted), undefined);
  assert.equal(await page.locator("main img, main script, main iframe, main svg").count(), 0);
  assert.equal(await page.locator('a[href^="javascript:"]').count(), 0);
}

test("in the list", async () => {
  const { page, close } = await open(browser, served, { fragment: "#/loans" });
  await page.getByText(SCRIPT).first().waitFor();
  await page.getByText(IMAGE).first().waitFor();
  await harmless(page);
  await close();
});

test("in a record, in where its values came from, and in what was received", async () => {
  const { page, close } = await open(browser, served, { fragment: "#/loan/bsa:501" });
  await page.getByRole("heading", { level: 1, name: IMAGE }).waitFor();
  await page.locator('[data-field="native_kind"] button').hover();
  await page.getByRole("tooltip").getByText(IMAGE).waitFor();
  await harmless(page);
  await page.goto(`${served.page}#/loan/bsa:501/explain`);
  await page.locator(".raw").getByText(SCRIPT).first().waitFor();
  await harmless(page);
  await close();
});

test("in the names of new fields", async () => {
  await fetch(`${served.address}/loans?max_age=0`);
  const { page, close } = await open(browser, served);
  await page.locator("[data-connection=bsa] summary").click();
  await page.locator("[data-connection=bsa] code", { hasText: IMAGE }).first().waitFor();
  await harmless(page);
  await close();
});

test("in an address that somebody sends", async () => {
  const fragment = `#/loans?status=${encodeURIComponent(IMAGE)}&sort=${encodeURIComponent(SCRIPT)}&connection=${encodeURIComponent(IMAGE)}`;
  const { page, close } = await open(browser, served, { fragment, expected: [400] });
  await page.getByRole("alert").waitFor();
  await harmless(page);
  await page.goto(`${served.page}#/loan/${encodeURIComponent(IMAGE)}`);
  await page.getByRole("alert").waitFor();
  await harmless(page);
  await close();
});
