import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, open, shot } from "./browser.mjs";
import { gateway } from "./gateway.mjs";

let browser;
let served;

before(async () => {
  [browser, served] = await Promise.all([launch(), gateway()]);
  // The same number, written with digits that a float would lose.
  served.providers.rewrite("bsa", (text) => text.replace(/"principalOutstanding": ?5000\b/, '"principalOutstanding": 5000.000'));
});

after(async () => {
  await browser.close();
  await served.stop();
});

test("a loan opens from the list, with flags explained and reasons for what is missing", async () => {
  const { page, close } = await open(browser, served, { fragment: "#/loans" });
  await page.locator('[data-loan="bsa:501"] a').click();
  await page.getByRole("heading", { level: 1, name: "Halotel 7-Day Loan" }).waitFor();
  assert.equal(new URL(page.url()).hash, "#/loan/bsa%3A501");
  await page.getByText("A rate per period, and the period is not in the record.").first().waitFor();
  await page.locator('[data-missing="rate.period"]').getByText("the provider has no such field").waitFor({ state: "attached" });
  assert.equal(await page.locator('[data-field="amounts.total_outstanding"]').getByText("5,038.50").count(), 1);
  await close();
});

test("where a value came from shows under the pointer, by keyboard, and by a tap", async () => {
  const { page, close } = await open(browser, served, { fragment: "#/loan/bsa:501" });
  const value = page.locator('[data-field="amounts.fees_outstanding"] button');
  const tip = page.getByRole("tooltip");
  await value.hover();
  await tip.getByText("derived", { exact: true }).waitFor();
  await tip.getByText("totalOutstanding").waitFor();
  await tip.getByText("5038.5", { exact: true }).waitFor();
  await shot(page, "provenance");
  await page.mouse.move(0, 0);
  await tip.waitFor({ state: "detached" });
  await value.focus();
  await tip.getByText("totalOutstanding").waitFor();
  await page.keyboard.press("Escape");
  await tip.waitFor({ state: "detached" });
  await close();

  const phone = await open(browser, served, { fragment: "#/loan/bsa:501", width: 360, height: 740, hasTouch: true });
  await phone.page.locator('[data-field="amounts.total_outstanding"] button').tap();
  await phone.page.getByRole("tooltip").getByText("reported", { exact: true }).waitFor();
  await phone.close();
});

test("only what a provider can tell has a tab", async () => {
  const { page, close } = await open(browser, served, { fragment: "#/loan/fineract:123" });
  await page.waitForSelector("[data-field=id]");
  const tabs = await page.getByRole("navigation", { name: "Parts of the loan" }).getByRole("link").allTextContents();
  assert.deepEqual(tabs, ["Record", "Transactions", "Raw beside it"]);
  await close();
});

test("instalments, the ledger and earlier days are shown in pictures and in figures", async () => {
  const { page, close } = await open(browser, served, { fragment: "#/loan/bsa:501/schedule" });
  await page.waitForSelector(".column");
  assert.equal(await page.locator(".column").count(), 1);
  await page.getByRole("cell", { name: "5,038.50" }).first().waitFor();
  await page.goto(`${served.page}#/loan/fineract:123/transactions`);
  await page.getByRole("cell", { name: "disbursement" }).waitFor();
  assert.equal(await page.locator("figure canvas").count(), 1);
  const all = await page.locator("tbody tr").count();
  await page.getByText("Only what moved the debt").click();
  await page.waitForFunction((all) => document.querySelectorAll("tbody tr").length < all, all);
  assert.equal(await page.getByText("reversed", { exact: true }).count(), 0);
  await page.goto(`${served.page}#/loans?connection=belvo`);
  await page.locator("[data-loan] a").first().click();
  await page.getByRole("link", { name: "Snapshots" }).click();
  await page.getByRole("columnheader", { name: "Seen" }).waitFor();
  await close();
});

test("what was received stands beside what became of it, every digit as it was sent", async () => {
  const { page, close } = await open(browser, served, { fragment: "#/loan/bsa:501/explain" });
  await page.getByText('"principalOutstanding": 5000.000').first().waitFor();
  const row = page.locator("tr", { has: page.locator('th code:text-is("amounts.principal_outstanding")') });
  await row.getByText("5000.000", { exact: true }).waitFor();
  await row.hover();
  await page.locator(".raw .hit", { hasText: "principalOutstanding" }).first().waitFor();
  await close();
});

test("a loan that nobody knows is told as such", async () => {
  const { page, close } = await open(browser, served, { fragment: "#/loans" });
  await page.getByLabel("A loan's id").fill("bsa:999999");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").waitFor();
  assert.equal(await page.locator("[data-field]").count(), 0);
  await close();
});
