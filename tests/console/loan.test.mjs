import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fits, launch, open, shot } from "./browser.mjs";
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
  // What lies under a card is reached through it.
  await page.locator('[data-field="amounts.total_outstanding"] button').hover();
  await tip.getByText("reported", { exact: true }).waitFor();
  await page.locator('[data-field="amounts.principal_outstanding"] button').hover();
  await tip.getByText("principalOutstanding").waitFor();
  // One that is held stays, alone, and what is in it can be selected.
  await value.click();
  const received = tip.getByText("5038.5", { exact: true });
  await received.dblclick();
  assert.equal(await page.evaluate(() => getSelection().toString().trim()), "5038.5");
  assert.equal(await tip.count(), 1);
  await page.locator('[data-field="amounts.total_outstanding"] button').hover();
  await tip.getByText("reported", { exact: true }).waitFor();
  assert.equal(await tip.count(), 1);
  await page.keyboard.press("Escape");
  await tip.waitFor({ state: "detached" });
  await close();

  const phone = await open(browser, served, { fragment: "#/loan/bsa:501", width: 360, height: 740, hasTouch: true });
  await phone.page.locator('[data-field="amounts.total_outstanding"] button').tap();
  const card = phone.page.getByRole("tooltip");
  await card.getByText("reported", { exact: true }).waitFor();
  const gap = () => phone.page.evaluate(() => document.querySelector(".tip").getBoundingClientRect().top - document.querySelector('[data-field="amounts.total_outstanding"] button').getBoundingClientRect().bottom);
  const before = await gap();
  await phone.page.evaluate(() => scrollBy(0, 60));
  await phone.page.waitForFunction(([before]) => Math.abs(document.querySelector(".tip").getBoundingClientRect().top - document.querySelector('[data-field="amounts.total_outstanding"] button').getBoundingClientRect().bottom - before) < 2, [before]);
  await phone.page.locator('[data-field="amounts.total_outstanding"] button').tap();
  await card.waitFor({ state: "detached" });
  await phone.page.locator('[data-field="amounts.total_outstanding"] button').tap();
  await card.waitFor();
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
  await page.locator("figure canvas").waitFor();
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

test("a picture says of how much it is, and its table has all that is in it", async () => {
  const { page, close } = await open(browser, served, { width: 360, height: 740 });
  let total = 60;
  await page.route("**/schedule?*", async (route) => {
    const answer = await (await route.fetch()).json();
    const limit = Number(new URL(route.request().url()).searchParams.get("limit"));
    const [one] = answer.data;
    answer.data = Array.from({ length: Math.min(limit, total) }, (_, at) => ({ ...one, number: at + 1, penalties_due: "7.25" }));
    answer.page = { ...answer.page, count: answer.data.length, total, next_cursor: answer.data.length < total ? "x" : null };
    return route.fulfill({ json: answer });
  });
  await page.goto(`${served.page}#/loan/bsa:501/schedule`);
  await page.getByRole("img", { name: /^60 instalments/ }).waitFor();
  assert.equal(await page.locator(".column").count(), 60);
  await page.getByRole("columnheader", { name: "Penalties" }).waitFor();
  await page.getByRole("cell", { name: "7.25" }).first().waitFor();
  total = 300;
  await page.reload();
  await page.getByRole("img", { name: /^200 of 300 instalments/ }).waitFor();
  await page.getByText("200 of 300 instalments,").waitFor();
  await fits(page);
  await shot(page, "schedule-long-phone");
  await close();
});

test("the tab that is shown is inside a phone's window", async () => {
  const { page, close } = await open(browser, served, { width: 360, height: 740, fragment: "#/loan/bsa:501/explain" });
  await page.waitForSelector(".explained");
  const [left, right] = await page.locator(".tabs [aria-current]").evaluate((tab) => [tab.getBoundingClientRect().left, tab.getBoundingClientRect().right]);
  assert.ok(left >= 0 && right <= 360, `${left} to ${right}`);
  await close();
});

test("names of fields stay whole beside long values", async () => {
  const { page, close } = await open(browser, served);
  await page.route("**/explain", async (route) => {
    const answer = await route.fetch();
    return route.fulfill({ response: answer, body: (await answer.text()).replaceAll("Halotel 7-Day Loan", "W".repeat(300)) });
  });
  await page.goto(`${served.page}#/loan/bsa:501/explain`);
  const names = page.locator(".explained tbody th code");
  await names.first().waitFor();
  const words = await names.evaluateAll((all) => all.flatMap((name) => [...name.childNodes].filter(({ nodeType }) => nodeType === 3).map((text) => {
    const range = document.createRange();
    range.selectNodeContents(text);
    return [text.data, new Set([...range.getClientRects()].map(({ top }) => top)).size];
  })));
  assert.deepEqual(words.filter(([, lines]) => lines > 1), []);
  const table = await page.locator(".explained").evaluate((table) => [table.offsetWidth, ...[...table.querySelectorAll("td")].map((cell) => cell.scrollWidth - cell.clientWidth)]);
  assert.ok(table[0] < 1000 && table.slice(1).every((over) => over <= 0), table.join());
  await fits(page);
  await shot(page, "explain-long");
  await close();
});

test("what is nested deeper than anybody reads stays the text that was sent", async () => {
  const { page, close } = await open(browser, served);
  await page.route("**/explain", async (route) => {
    const answer = await route.fetch();
    const deep = `${"[".repeat(5000)}1.500${"]".repeat(5000)}`;
    return route.fulfill({ response: answer, body: (await answer.text()).replace('"extensions":{', `"extensions":{"deep":${deep},`) });
  });
  await page.goto(`${served.page}#/loan/bsa:501`);
  await page.getByText(/^10\d\d\d characters/).click();
  await page.getByText(/\[\[1\.500\]\]/).waitFor();
  await close();
});

test("what was received stands beside what became of it, every digit as it was sent", async () => {
  const { page, close } = await open(browser, served, { fragment: "#/loan/bsa:501/explain" });
  await page.getByText('"principalOutstanding": 5000.000').first().waitFor();
  const row = page.locator("tr", { has: page.locator("th", { hasText: "amounts.principal_outstanding" }) });
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
  await page.getByRole("heading", { level: 1, name: "There is no such loan" }).waitFor();
  await close();
});

test("the id can be had where a page may not write to the clipboard", async () => {
  const { page, close } = await open(browser, served, { fragment: "#/loan/bsa:501", before: (page) => page.addInitScript(() => Object.defineProperty(navigator, "clipboard", { value: undefined })) });
  await page.getByRole("button", { name: "Copy id" }).click();
  await page.getByRole("button", { name: "Selected" }).waitFor();
  assert.equal(await page.evaluate(() => getSelection().toString()), "bsa:501");
  await close();
});
