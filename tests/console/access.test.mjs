import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, open, shot } from "./browser.mjs";
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

test("without a console there is none", async () => {
  const without = await gateway({ env: { ...client(0, "all", ALL, "loans:read"), LOANGATE__CONSOLE__ENABLED: "false" } });
  for (const path of ["/console", "/console/", "/console/assets/0/main.js"]) {
    const answer = await fetch(`${without.address}${path}`, { redirect: "manual" });
    assert.equal(answer.status, 404, path);
    assert.equal((await answer.json()).code, "not_found");
  }
  await without.stop();
});
