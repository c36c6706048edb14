import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { held, launch, open, shot } from "./browser.mjs";
import { client, gateway } from "./gateway.mjs";

const ALL = "lgk_console-test-key-one-7QmZ2xW9c41";
const SOME = "lgk_console-test-key-two-Lp0aVt6Rd52";
const BLIND = "lgk_console-test-key-three-Kx3bNu8Se63";

let browser;
let served;

before(async () => {
  const env = {
    ...client(0, "all", ALL, "loans:read,metrics:read"),
    ...client(1, "some", SOME, "loans:read", "bsa"),
    ...client(2, "blind", BLIND, "metrics:read"),
  };
  [browser, served] = await Promise.all([launch(), gateway({ env })]);
});

after(async () => {
  await browser.close();
  await served.stop();
});

async function enter(page, key) {
  await page.getByLabel("Your key").fill(key);
  await page.getByRole("button", { name: "Open the console" }).click();
}

test("a wrong key is refused, and the right one opens", async () => {
  const { page, close } = await open(browser, served, { expected: [401] });
  await page.getByRole("heading", { name: "This gateway asks who you are" }).waitFor();
  await shot(page, "door");
  await enter(page, "lgk_not-a-key-of-this-gateway");
  await page.getByText("The key is none of this gateway's. (401)").waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.id), "key");
  assert.equal(await page.getByLabel("Your key").getAttribute("aria-invalid"), "true");
  await enter(page, "two words");
  await page.getByText("A key has no spaces").waitFor();
  await enter(page, ALL);
  await page.waitForSelector("[data-connection=bsa]");
  await page.getByText("In flight").waitFor();
  await close();
});

test("the key is in this tab's memory and nowhere else", async () => {
  const { page, asked, close } = await open(browser, served, { expected: [401] });
  await enter(page, ALL);
  await page.waitForSelector("[data-connection=bsa]");
  const kept = await page.evaluate(() => [document.cookie, localStorage.length, sessionStorage.length, document.documentElement.outerHTML]);
  assert.deepEqual(kept.slice(0, 3), ["", 0, 0]);
  assert.ok(!kept[3].includes(ALL));
  for (const { url } of asked) assert.ok(!url.includes("lgk_"), url);
  assert.deepEqual(await page.context().cookies(), []);
  await page.reload();
  await page.getByLabel("Your key").waitFor();
  await enter(page, ALL);
  await page.waitForSelector("[data-connection=bsa]");
  await page.getByRole("button", { name: "Forget the key" }).click();
  await page.getByLabel("Your key").waitFor();
  await close();
});

test("a key sees its own connections, and is told which scope it lacks", async () => {
  const { page, close } = await open(browser, served, { expected: [401, 403] });
  await enter(page, SOME);
  await page.waitForSelector("[data-connection=bsa]");
  assert.equal(await page.locator("[data-connection]").count(), 1);
  await page.getByText("metrics:read").waitFor();
  await page.getByRole("link", { name: "Loans", exact: true }).click();
  await page.waitForSelector('[data-loan="bsa:501"]');
  await close();

  const blind = await open(browser, served, { expected: [401, 403] });
  await enter(blind.page, BLIND);
  await blind.page.getByText("The console shows what the scope").waitFor();
  await blind.close();
});

// Answers the next requests to this path when the test says so, with a refusal.
async function refuseLater(page, path) {
  const held = [];
  await page.route(path, (route) => held.push(route));
  const problem = { type: "/problems/unauthorized", title: "Unauthorized", status: 401, code: "unauthorized", detail: "The token has expired." };
  return { held, refuse: () => Promise.all(held.splice(0).map((route) => route.fulfill({ status: 401, contentType: "application/problem+json", json: problem }).catch(() => {}))) };
}

test("two requests that are refused together leave the reason at the door", async () => {
  const { page, close } = await open(browser, served, { expected: [401] });
  await enter(page, ALL);
  await page.waitForSelector("[data-connection=bsa]");
  assert.equal(await page.evaluate(() => document.activeElement.tagName), "MAIN");
  const both = [await refuseLater(page, "**/loans/search"), await refuseLater(page, "**/customers*")];
  await page.getByRole("link", { name: "Loans", exact: true }).click();
  for (const { held } of both) while (held.length === 0) await page.waitForTimeout(20);
  await Promise.all(both.map(({ refuse }) => refuse()));
  await page.getByText("The token has expired. (401)").waitFor();
  await page.waitForTimeout(200);
  assert.ok(await page.getByText("The token has expired. (401)").isVisible());
  await close();
});

test("a refusal of an earlier key does not throw out the next one", async () => {
  const { page, close, forgive } = await open(browser, served, { expected: [401] });
  await enter(page, ALL);
  await page.waitForSelector("[data-connection=bsa]");
  const store = await refuseLater(page, "**/customers*");
  await page.getByRole("link", { name: "Loans", exact: true }).click();
  await page.waitForSelector("[data-loan]");
  while (store.held.length === 0) await page.waitForTimeout(20);
  await page.getByRole("button", { name: "Forget the key" }).click();
  await enter(page, SOME);
  await page.waitForSelector("[data-loan]");
  // The one that was asked with the first key.
  store.held.length = 1;
  await store.refuse();
  await page.waitForTimeout(300);
  assert.equal(await page.getByLabel("Your key").count(), 0);
  forgive(/ERR_|aborted/);
  await close();
});

test("an export ends with the key, and with the view", async () => {
  const { page, close } = await open(browser, served, { expected: [401] });
  await enter(page, ALL);
  await page.getByRole("link", { name: "Loans", exact: true }).click();
  let downloads = 0;
  page.on("download", () => (downloads += 1));
  const held = [];
  await page.route("**/loans/search", (route) => (route.request().headers().accept === "text/csv" ? held.push(route) : route.continue()));
  const begin = async () => {
    await page.waitForSelector("[data-loan]");
    await page.getByRole("button", { name: "CSV" }).click();
    await page.getByRole("button", { name: "Stop" }).waitFor();
    while (held.length === 0) await page.waitForTimeout(20);
  };
  const answer = () => held.pop().fulfill({ contentType: "text/csv", body: "id\nbsa:501\n" }).catch(() => {});
  await begin();
  await page.getByRole("link", { name: "Operations" }).click();
  await page.waitForSelector("[data-connection=bsa]");
  await answer();
  await page.getByRole("link", { name: "Loans", exact: true }).click();
  await begin();
  await page.getByRole("button", { name: "Forget the key" }).click();
  await page.getByLabel("Your key").waitFor();
  await answer();
  await page.waitForTimeout(300);
  assert.equal(downloads, 0);
  await close();
});

test("who comes next in a tab finds no loan of who was there before", async () => {
  for (const away of ["forgets", "is refused"]) {
    const { page, close } = await open(browser, served, { expected: [401], fragment: "#/loans?connection=goscore" });
    await enter(page, ALL);
    await page.locator("[data-loan] a").first().click();
    await page.waitForSelector("[data-field=id]");
    const address = await page.evaluate(() => location.hash);
    assert.match(address, /^#\/loan\/~\w+\.1$/);
    if (away === "forgets") {
      await page.getByRole("button", { name: "Forget the key" }).click();
    } else {
      const rows = await refuseLater(page, "**/explain");
      await page.evaluate(() => (location.hash = "#/loan/bsa:501"));
      while (rows.held.length === 0) await page.waitForTimeout(20);
      await rows.refuse();
      await page.getByText("The token has expired. (401)").waitFor();
      await page.unroute("**/explain");
      await page.evaluate((address) => (location.hash = address), address);
    }
    await enter(page, ALL);
    await page.getByRole("heading", { name: "This address was for one tab" }).waitFor();
    await close();
  }
});

test("an address that was for one load of the page names nobody in another", async () => {
  const { page, close } = await open(browser, served, { expected: [401], fragment: "#/loans?connection=goscore" });
  await enter(page, ALL);
  await page.locator("[data-loan] a").first().click();
  await page.waitForSelector("[data-field=id]");
  const address = await page.evaluate(() => location.hash);
  await page.evaluate(() => (location.hash = "#/loans?connection=belvo"));
  await page.reload();
  await enter(page, ALL);
  await page.locator('[data-loan^="belvo:"] a').first().waitFor();
  await page.evaluate((address) => (location.hash = address), address);
  await page.getByRole("heading", { name: "This address was for one tab" }).waitFor();
  await page.evaluate(() => (location.hash = "#/loan/%ZZ"));
  await page.getByRole("heading", { name: "Not here" }).waitFor();
  await close();
});

test("a key that is being tried is not the one that was refused", async () => {
  const { page, close } = await open(browser, served, { expected: [401, 503] });
  await enter(page, "lgk_not-a-key-of-this-gateway");
  await page.getByText("(401)").waitFor();
  const asked = held(page, "**/connections");
  await enter(page, ALL);
  const answer = await asked;
  await page.getByText("Asking the gateway…").waitFor();
  assert.equal(await page.getByText("(401)").count(), 0);
  await answer.fulfill({ status: 503, json: { title: "Overloaded", code: "overloaded", detail: "The gateway is full." } });
  await page.getByRole("heading", { name: "No way in" }).waitFor();
  // A keyboard is where the words are, and not where the form was.
  assert.equal(await page.evaluate(() => document.activeElement.tagName), "MAIN");
  await page.unroute("**/connections");
  await page.getByRole("button", { name: "Ask again" }).click();
  await page.waitForSelector("[data-connection=bsa]");
  await close();
});

test("without a console there is none", async () => {
  const without = await gateway({ env: { ...client(0, "all", ALL, "loans:read"), LOANGATE__CONSOLE__ENABLED: "false" } });
  for (const path of ["/console", "/console/", "/console/assets/0/main.js"]) {
    const answer = await fetch(`${without.address}${path}`, { redirect: "manual" });
    assert.equal(answer.status, 404, path);
    assert.equal((await answer.json()).code, "not_found");
  }
  await without.stop();
});
