// On a phone, by keyboard alone, in the dark and in the light, to a screen reader.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { accessible, fits, launch, open, shot } from "./browser.mjs";
import { client, gateway } from "./gateway.mjs";

let browser;
let served;

before(async () => {
  [browser, served] = await Promise.all([launch(), gateway()]);
  await fetch(`${served.address}/loans`);
});

after(async () => {
  await browser.close();
  await served.stop();
});

// Each view, and what is there when it is.
const VIEWS = [
  ["operations", "", "[data-connection=goscore]"],
  ["loans", "#/loans", "[data-currency]"],
  ["record", "#/loan/bsa:501", "[data-field=id]"],
  ["schedule", "#/loan/bsa:501/schedule", ".column"],
  ["transactions", "#/loan/fineract:123/transactions", "tbody tr"],
  ["snapshots", "#/loan/belvo%3ACUST-001234~3f6f4a0e-5f0b-4c38-9d1f-0c8a4f2be101/snapshots", "tbody tr"],
  ["explain", "#/loan/bsa:501/explain", ".raw .hit, .raw span"],
];

// Also what is folded.
const unfold = (page) => page.evaluate(() => document.querySelectorAll("details").forEach((details) => (details.open = true)));

for (const scheme of ["light", "dark"]) {
  test(`every view in ${scheme} colours`, async () => {
    const { page, close } = await open(browser, served, { scheme });
    for (const [view, fragment, there] of VIEWS) {
      await page.goto(`${served.page}${fragment}`);
      await page.waitForSelector(there);
      await shot(page, `${view}-${scheme}`);
      await unfold(page);
      await fits(page);
      await accessible(page);
    }
    await close();
  });

  test(`every view on a phone in ${scheme} colours`, async () => {
    const { page, close } = await open(browser, served, { scheme, width: 360, height: 740 });
    for (const [view, fragment, there] of VIEWS) {
      await page.goto(`${served.page}${fragment}`);
      await page.waitForSelector(there);
      await shot(page, `${view}-phone-${scheme}`, { fullPage: true });
      await unfold(page);
      await fits(page);
      if (scheme === "light") await accessible(page);
    }
    await close();
  });
}

test("the door, to everybody", async () => {
  const locked = await gateway({ env: client(0, "all", "lgk_console-test-key-one-7QmZ2xW9c41", "loans:read") });
  for (const scheme of ["light", "dark"]) {
    const { page, close } = await open(browser, locked, { scheme, width: 360, height: 740, expected: [401] });
    await page.getByLabel("Your key").waitFor();
    await fits(page);
    await accessible(page);
    await close();
  }
  await locked.stop();
});

test("by keyboard alone: to the loans, a filter, a loan, and where a value came from", async () => {
  const { page, close } = await open(browser, served);
  await page.waitForSelector("[data-connection]");
  const focused = () => page.evaluate(() => document.activeElement.textContent.trim());
  const reach = async (wanted) => {
    for (let step = 0; step < 120; step += 1) {
      await page.keyboard.press("Tab");
      if (await wanted()) return;
    }
    assert.fail("it cannot be reached");
  };
  await reach(async () => (await focused()) === "Skip to the content");
  await reach(async () => (await focused()) === "Loans");
  await page.keyboard.press("Enter");
  await page.waitForSelector("[data-loan]");
  await reach(() => page.evaluate(() => document.activeElement.type === "checkbox" && document.activeElement.parentElement.textContent.trim() === "bsa"));
  await page.keyboard.press("Space");
  await page.waitForFunction(() => document.querySelectorAll("[data-loan]").length === 1);
  await reach(() => page.evaluate(() => document.activeElement.closest("[data-loan]") !== null));
  await page.keyboard.press("Enter");
  await page.waitForSelector("[data-field=id]");
  await reach(() => page.evaluate(() => document.activeElement.closest("[data-field]") !== null));
  await page.getByRole("tooltip").waitFor();
  await close();
});

test("colours follow the system, until somebody says otherwise", async () => {
  const { page, close } = await open(browser, served, { scheme: "dark" });
  await page.waitForSelector("[data-connection]");
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const dark = await ground();
  // The page draws itself anew a moment after a click.
  const is = (wanted) => page.waitForFunction(([colour, wanted]) => (getComputedStyle(document.body).backgroundColor === colour) === wanted, [dark, wanted]);
  await page.getByRole("button", { name: /Change to light/ }).click();
  await is(false);
  await page.getByRole("button", { name: /Change to dark/ }).click();
  await is(true);
  await close();
});
