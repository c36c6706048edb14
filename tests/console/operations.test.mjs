import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ahead, held, launch, open, shot } from "./browser.mjs";
import { gateway } from "./gateway.mjs";

let browser;
let served;

before(async () => {
  const env = {
    LOANGATE__CONNECTIONS__BSA__TIMEOUT: "1500ms",
    LOANGATE__CONNECTIONS__BSA__RETRY__ATTEMPTS: "1",
    LOANGATE__CONNECTIONS__BSA__CIRCUIT__FAILURES: "3",
    LOANGATE__CONNECTIONS__BSA__CIRCUIT__OPEN_FOR: "30s",
  };
  [browser, served] = await Promise.all([launch(), gateway({ env })]);
});

after(async () => {
  await browser.close();
  await served.stop();
});

const FULL = { status: 503, json: { title: "Overloaded", code: "overloaded", detail: "The gateway is full." } };
const ask = (path) => fetch(`${served.address}${path}`).then((answer) => answer.json());

test("every connection has a card that says how it does", async () => {
  await ask("/loans");
  const { page, close } = await open(browser, served);
  await page.waitForSelector('[data-connection=bsa] [data-state]:text("well")');
  assert.equal(await page.locator("[data-connection]").count(), 5);
  const card = page.locator("[data-connection=bsa]");
  await card.getByText("One lender's whole loan book").waitFor();
  await card.getByText("documents only").waitFor();
  await card.getByText("asked, 0 failed").waitFor();
  for (const title of ["Time to answer", "Requests"]) await card.getByText(title, { exact: true }).waitFor();
  await card.getByText("never against the live API").waitFor();
  await card.locator("canvas").nth(1).waitFor();
  await page.getByText("Cache hits").waitFor();
  await page.waitForSelector("[data-fresh=live]");
  await close();
});

test("the gateway's own figures are marked when they are old, and are not known over a restart", async () => {
  const { page, close } = await open(browser, served, { expected: [503] });
  const tile = (name) => page.locator(".tile", { has: page.getByText(name, { exact: true }) }).locator(".figure");
  await page.waitForSelector("[data-fresh=live]");
  await page.waitForFunction(() => document.querySelector(".tile .figure").textContent === "0");
  const answers = [
    { body: 'loangate_http_requests_total{route="/loans",method="GET",status="200"} 0\nloangate_http_in_flight 8\nloangate_cache_requests_total{result="miss"} 4\n' },
    FULL,
  ];
  await page.route("**/metrics", (route) => route.fulfill(answers.length > 1 ? answers.shift() : answers[0]));
  await page.waitForFunction(() => ["7", "0 %"].every((wanted) => [...document.querySelectorAll(".tile .figure")].some(({ textContent }) => textContent === wanted)));
  assert.equal(await tile("Answered").textContent(), "–");
  await page.getByText(/The gateway's own figures are of \d\d:\d\d:\d\d: The gateway is full\./).waitFor();
  await page.waitForSelector(".tiles.stale");
  assert.equal(await page.locator("[data-fresh=live]").count(), 1);
  await close();
});

test("why it failed last is said in words, and an answer is not called a failure of the provider", async () => {
  const { page, close } = await open(browser, served);
  let code = "upstream_timeout";
  await page.route("**/connections", async (route) => {
    const answer = await (await route.fetch()).json();
    answer.data.forEach(({ health }) => (health.last_failure_code = code));
    return route.fulfill({ json: answer });
  });
  await page.reload();
  const why = page.locator("[data-connection=bsa] .why");
  await why.getByText("Last failure: it did not answer in time").waitFor();
  code = "upstream_not_found";
  await why.getByText(/it knows no such person or loan upstream_not_found. This is an answer/).waitFor();
  await close();
});

test("a provider that stalls is seen, and seen to recover", async () => {
  const { page, close } = await open(browser, served, { fragment: "#/loans" });
  await page.waitForSelector("[data-complete=true]");
  served.providers.stall("bsa");
  await page.click("text=Fetch anew");
  await page.waitForSelector("[data-complete=false]");
  // The cache has what it gave before, and the page says that it is older.
  await page.getByText("gave older data, because it fails now: it did not answer in time").first().waitFor();
  await shot(page, "stalled-loans");
  // Until it is left alone.
  for (let round = 0; round < 3; round += 1) await ask("/loans?connection=bsa&max_age=0");
  assert.equal((await ask("/connections/bsa")).data.health.circuit, "open");
  await page.click("nav >> text=Operations");
  await page.waitForSelector('[data-connection=bsa] [data-state]:text("left alone")');
  await page.getByText("One connection hurts: bsa").waitFor();
  await page.locator("[data-connection=bsa]").getByText("Last failure:").waitFor();
  await shot(page, "stalled-operations");
  await close();
});

test("what is shown is marked when the gateway says nothing new, and live again when it does", async () => {
  const { page, close, forgive } = await open(browser, served);
  await page.waitForSelector("[data-fresh=live]");
  served.pause();
  await page.waitForSelector("[data-fresh=stale]");
  await page.getByText("What is shown is of").waitFor();
  assert.match(await page.locator("[data-connection=bsa] [data-state]").textContent(), /^was /);
  await page.waitForSelector(".tiles.stale");
  await shot(page, "stale");
  served.resume();
  await page.click("text=Ask again");
  await page.waitForSelector("[data-fresh=live]");
  forgive(/ERR_|aborted/);
  await close();
});

test("a provider that is well again is seen to be", async () => {
  const well = await gateway({
    env: {
      LOANGATE__CONNECTIONS__BSA__TIMEOUT: "1500ms",
      LOANGATE__CONNECTIONS__BSA__RETRY__ATTEMPTS: "1",
      LOANGATE__CONNECTIONS__BSA__CIRCUIT__FAILURES: "1",
      LOANGATE__CONNECTIONS__BSA__CIRCUIT__OPEN_FOR: "100ms",
    },
  });
  well.providers.stall("bsa");
  const { page, close } = await open(browser, well, { fragment: "#/loans" });
  await page.getByText("gave nothing: it did not answer in time").waitFor();
  assert.equal(await page.locator('[data-loan="bsa:501"]').count(), 0);
  well.providers.heal("bsa");
  // As often as it takes: the circuit may let one question fail before it lets them pass.
  await page.waitForFunction(() => {
    if (document.querySelector("[data-complete=true]")) return true;
    if (!document.querySelector("table[aria-busy=true]")) document.querySelector(".gaps button")?.click();
    return false;
  }, null, { polling: 300 });
  await page.waitForSelector('[data-loan="bsa:501"]');
  await page.click("nav >> text=Operations");
  await page.locator("[data-connection=bsa] dd:text-is('closed')").waitFor();
  await close();
  await well.stop();
});

test("figures that never came are not said to be none", async () => {
  const { page, close } = await open(browser, served, { expected: [503], before: (page) => page.route("**/metrics", (route) => route.fulfill(FULL)) });
  await page.getByText("The gateway's own figures are not known: The gateway is full.").waitFor();
  assert.deepEqual(await page.locator(".tile .figure").allTextContents(), ["–", "–", "–", "–"]);
  assert.equal(await page.getByText("nothing refused").count(), 0);
  await close();
});

test("what was true a while ago is not shown as if it were now", async () => {
  const { page, close } = await open(browser, served);
  await page.waitForSelector("[data-fresh=live]");
  await page.click("nav >> text=Loans");
  await page.waitForSelector("[data-loan]");
  const asked = held(page, "**/connections");
  // A minute goes by.
  await page.evaluate(ahead, 60_000);
  await page.click("nav >> text=Operations");
  await page.getByText(/Asking\. What is shown is of \d\d:\d\d:\d\d\./).waitFor();
  assert.match(await page.locator("[data-connection=bsa] [data-state]").textContent(), /^was /);
  await (await asked).continue();
  await page.unroute("**/connections");
  await page.waitForSelector("[data-fresh=live]");
  assert.doesNotMatch(await page.locator("[data-connection=bsa] [data-state]").textContent(), /^was /);
  await close();
});

test("a visitor whose clock is wrong sees when things were all the same", async () => {
  await ask("/loans?connection=goscore,belvo&max_age=0");
  for (const minutes of [20, -20]) {
    const { page, close } = await open(browser, served, {
      before: (page) => page.addInitScript(ahead, minutes * 60_000),
    });
    const last = page.locator("[data-connection=belvo] .facts div", { hasText: "Last success" }).locator("dd");
    await page.waitForSelector("[data-connection=belvo] canvas");
    assert.match(await last.textContent(), /^(now|\d+ s ago|1 min ago)$/);
    await close();
  }
});

test("where charts cannot be drawn the words say so", async () => {
  const { page, forgive, close } = await open(browser, served, { before: (page) => page.route("**/uplot.js", (route) => route.abort()) });
  const said = page.locator("[data-connection=bsa]").getByText("What draws this could not be fetched: load the page again.");
  await said.first().waitFor();
  assert.equal(await said.count(), 2);
  forgive(/ERR_FAILED/);
  await close();
});

test("a gateway that nobody asked is not said to be silent", async () => {
  const { page, close } = await open(browser, served);
  await page.waitForSelector("[data-fresh=live]");
  const hide = (hidden) => page.evaluate((hidden) => {
    Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);
  await hide(true);
  const asked = held(page, "**/connections");
  await page.evaluate(ahead, 60_000);
  await hide(false);
  await page.getByText("Asking. What is shown is of").waitFor();
  assert.equal(await page.getByRole("alert").count(), 0);
  await (await asked).continue();
  await page.waitForSelector("[data-fresh=live]");
  await page.unroute("**/connections");
  await close();
});
