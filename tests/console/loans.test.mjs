import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fits, held, launch, open, shot } from "./browser.mjs";
import { gateway } from "./gateway.mjs";

let browser;
let served;

before(async () => {
  [browser, served] = await Promise.all([launch(), gateway({ loans: 40 })]);
});

after(async () => {
  await browser.close();
  await served.stop();
});

const ids = (page) => page.locator("[data-loan]").evaluateAll((rows) => rows.map((row) => row.dataset.loan));

test("filters narrow the list, and are in the address that shows the same to somebody else", async () => {
  const first = await open(browser, served, { fragment: "#/loans" });
  await first.page.waitForSelector("[data-loan]");
  await first.page.getByRole("checkbox", { name: "bsa", exact: true }).check();
  const [answer] = await Promise.all([
    first.page.waitForResponse((response) => response.request().postData()?.includes('"active"') && response.request().postData().includes('"bsa"')),
    first.page.getByRole("checkbox", { name: "active", exact: true }).check(),
  ]);
  await first.page.waitForFunction(() => location.hash === "#/loans?connection=bsa&status=active");
  const seen = (await answer.json()).data.map(({ id }) => id);
  assert.ok(seen.length > 0 && seen.every((id) => id.startsWith("bsa:")));
  await first.page.waitForFunction((seen) => [...document.querySelectorAll("[data-loan]")].map((row) => row.dataset.loan).join() === seen.join(), seen);
  const address = first.page.url();
  await first.close();

  const second = await open(browser, served, { fragment: new URL(address).hash });
  await second.page.waitForSelector("[data-loan]");
  assert.deepEqual(await ids(second.page), seen);
  assert.ok(await second.page.getByRole("checkbox", { name: "active", exact: true }).isChecked());
  await second.page.click("text=Clear the filters");
  await second.page.waitForFunction(() => location.hash === "#/loans");
  await second.close();
});

test("every filter of the API has a control, and an address that holds more says so", async () => {
  const { page, close } = await open(browser, served, { fragment: "#/loans?provider=belvo&require=all&max_age=60&colour=red&cursor=x" });
  await page.waitForSelector("[data-loan]");
  assert.ok((await ids(page)).every((id) => id.startsWith("belvo:")));
  assert.ok(await page.getByRole("checkbox", { name: "all", exact: true }).isChecked());
  assert.equal(await page.getByRole("textbox", { name: "Data at most" }).inputValue(), "60");
  const said = page.locator("[data-unused]");
  assert.deepEqual(await said.locator("code").allTextContents(), ["colour", "cursor"]);
  await page.getByRole("button", { name: "Take it away" }).click();
  await said.waitFor({ state: "detached" });
  await page.getByRole("group", { name: "Providers" }).getByRole("checkbox", { name: "belvo" }).uncheck();
  await page.getByRole("group", { name: "Providers" }).getByRole("checkbox", { name: "bsa" }).check();
  await page.waitForSelector('[data-loan^="bsa:"]');
  assert.match(await page.evaluate(() => location.hash), /^#\/loans\?provider=bsa&/);
  await page.goBack();
  await page.goBack();
  await page.waitForFunction(() => [...document.querySelectorAll("[data-loan]")].every((row) => row.dataset.loan.startsWith("belvo:")));
  await close();
});

test("a filter that is still being typed does not call back who has gone on", async () => {
  const { page, close } = await open(browser, served, { fragment: "#/loans" });
  await page.waitForSelector("[data-loan]");
  await page.getByRole("textbox", { name: "Currency" }).pressSequentially("NO");
  await page.evaluate(() => (location.hash = "#/"));
  await page.waitForSelector("[data-connection]");
  await page.waitForTimeout(800);
  assert.equal(await page.evaluate(() => location.hash), "#/");
  await close();
});

test("columns sort, and one that needs a currency says so", async () => {
  const { page, close } = await open(browser, served, { fragment: "#/loans?currency=TZS", expected: [400] });
  await page.waitForSelector("[data-loan]");
  await page.getByRole("button", { name: "Owed" }).click();
  await page.waitForSelector('th[aria-sort="ascending"] >> text=Owed');
  await page.getByRole("button", { name: "Owed" }).click();
  await page.waitForSelector('th[aria-sort="descending"] >> text=Owed');
  await page.waitForSelector("table.loans:not(.asking)");
  const body = { currency: ["TZS"], sort: "-outstanding", limit: 50 };
  const wanted = await fetch(`${served.address}/loans/search`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  assert.deepEqual(await ids(page), (await wanted.json()).data.map(({ id }) => id));
  await page.getByRole("textbox", { name: "Currency" }).fill("");
  await page.getByRole("alert").getByText("sort", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Without the sort" }).click();
  await page.waitForSelector("[data-loan]");
  await page.getByRole("button", { name: "Owed" }).click();
  await page.getByText("Owed has an order within one currency only.").waitFor();
  assert.ok((await ids(page)).length > 0);
  await page.getByRole("button", { name: "NOK", exact: true }).click();
  await page.waitForSelector('th[aria-sort="ascending"] >> text=Owed');
  assert.match(await page.evaluate(() => location.hash), /currency=NOK&sort=outstanding/);
  await close();
});

test("an order is seen, and can be changed, at every width", async () => {
  for (const width of [1280, 360]) {
    const { page, close } = await open(browser, served, { width, fragment: "#/loans?sort=-opened_on" });
    await page.waitForSelector("[data-loan]");
    await page.locator('th[aria-sort="descending"]', { hasText: "Opened" }).waitFor();
    await fits(page);
    const sort = page.getByLabel("Sort by");
    assert.equal(await sort.inputValue(), "-opened_on");
    await shot(page, `sorted-${width}`);
    await sort.selectOption("-days_past_due");
    await page.locator('th[aria-sort="descending"]', { hasText: "Days late" }).waitFor();
    await sort.selectOption("");
    await page.waitForFunction(() => location.hash === "#/loans");
    assert.ok(await sort.locator("option[value=outstanding]").evaluate((option) => option.disabled));
    await close();
  }
});

test("on a phone the list says what is paid and due, and whether it is whole, wherever one is in it", async () => {
  const { page, close } = await open(browser, served, { width: 360, height: 740, fragment: "#/loans" });
  await page.waitForSelector("[data-totals=whole]");
  const payment = (await (await fetch(`${served.address}/loans`)).json()).data.find(({ payment_status }) => payment_status === "current" || payment_status === "overdue");
  await page.locator(`[data-loan="${payment.id}"]`).getByText(payment.payment_status).locator("visible=true").first().waitFor();
  await page.locator("[data-loan]").last().scrollIntoViewIfNeeded();
  const inside = await page.locator(".brief").evaluate((line) => line.getBoundingClientRect().top >= 0 && line.getBoundingClientRect().bottom <= innerHeight);
  assert.ok(inside);
  await shot(page, "loans-phone-scrolled");
  await close();
});

test("pages follow their cursor and back, and an expired one offers to begin again", async () => {
  // Its cursors are read after a restart, and name what is gone.
  const forgetful = await gateway({ loans: 20, env: { LOANGATE__CURSOR__KEYS: "console-test-cursor-key" } });
  const { page, close } = await open(browser, forgetful, { fragment: "#/loans?limit=25", expected: [410] });
  const go = async (name, number) => {
    await page.getByRole("button", { name, exact: true }).click();
    await page.getByText(`Page ${number}:`).waitFor();
    return ids(page);
  };
  await page.getByText("There are more pages.").waitFor();
  const first = await ids(page);
  const second = await go("Next", 2);
  assert.ok(second.length > 0 && second.every((id) => !first.includes(id)));
  assert.deepEqual(await go("Previous", 1), first);
  assert.deepEqual(await go("Next", 2), second);

  await forgetful.restart();
  await page.getByRole("button", { name: "Next", exact: true }).click();
  await page.getByText("This walk is over.").waitFor();
  assert.ok(await page.getByText("This walk is over.").evaluate((text) => text.getBoundingClientRect().top >= 0 && text.getBoundingClientRect().bottom <= innerHeight));
  assert.deepEqual(await ids(page), second);
  await page.getByRole("button", { name: "Start again" }).click();
  await page.getByText("Page 1:").waitFor();
  assert.deepEqual(await ids(page), first);
  await close();
  await forgetful.stop();
});

test("a page that is refused takes none of the others away, and is asked for again by itself", async () => {
  const { page, close } = await open(browser, served, { fragment: "#/loans?limit=25", expected: [429] });
  await page.getByText("There are more pages.").waitFor();
  const next = page.getByRole("button", { name: "Next", exact: true });
  await next.click();
  await page.getByText("Page 2:").waitFor();
  const second = await ids(page);
  let refuse = true;
  await page.route("**/loans/search", (route) =>
    refuse && route.request().postDataJSON().cursor
      ? route.fulfill({ status: 429, contentType: "application/problem+json", headers: { "retry-after": "1" }, json: { title: "Too many requests", code: "rate_limited", detail: "Too often." } })
      : route.continue(),
  );
  await next.click();
  const alert = page.getByRole("alert");
  await alert.getByText("Too often.").waitFor();
  assert.deepEqual(await ids(page), second);
  assert.ok(await alert.evaluate((box) => box.getBoundingClientRect().bottom <= innerHeight));
  refuse = false;
  await alert.getByRole("button", { name: "Ask again" }).click();
  await page.getByText("Page 3:").waitFor();
  await page.getByRole("button", { name: "Previous" }).click();
  assert.deepEqual(await ids(page), second);
  await close();
});

test("while another question is asked, what is shown is not said to be its answer", async () => {
  const { page, close } = await open(browser, served, { fragment: "#/loans?connection=bsa" });
  await page.waitForSelector("[data-complete=true]");
  const held = [];
  await page.route("**/loans/search", (route) => held.push(route));
  await page.getByRole("checkbox", { name: "goscore", exact: true }).check();
  await page.waitForSelector("[data-complete=asking]");
  assert.equal(await page.getByText("Complete.").count(), 0);
  assert.equal(await page.getByText("Page 1").count(), 0);
  while (held.length === 0) await page.waitForTimeout(20);
  await held[0].continue();
  await page.waitForSelector("[data-complete=true]");
  await page.getByText("Page 1").waitFor();
  await close();
});

test("to fetch anew is to fetch the totals anew too", async () => {
  const { page, asked, close } = await open(browser, served, { fragment: "#/loans?connection=bsa" });
  await page.waitForSelector("[data-totals=whole]");
  const before = asked.length;
  const anew = page.waitForResponse((answer) => answer.url().includes("/loans/summary?") && answer.url().includes("max_age"));
  await page.click("text=Fetch anew");
  await anew;
  await page.waitForSelector("[data-totals=whole]");
  await page.waitForSelector("[data-complete=true]");
  const questions = asked.slice(before).filter(({ url }) => url.includes("/loans/"));
  assert.deepEqual(questions.map(({ url, body }) => (body ?? url).includes("max_age")), [true, true]);
  await page.getByRole("checkbox", { name: "goscore", exact: true }).check();
  await page.waitForFunction(() => document.querySelector('[data-loan^="goscore:"]'));
  assert.ok(!(asked.at(-1).body ?? asked.at(-1).url).includes("max_age"));
  await close();
});

test("references are asked for by POST and are in no address", async () => {
  const { page, asked, close } = await open(browser, served, { fragment: "#/loans" });
  await page.waitForSelector("[data-loan]");
  await page.getByText("Customers of your own need a store").waitFor();
  await page.getByLabel("Reference").selectOption("goscore:consent");
  await page.getByLabel("Its value").fill("6915ab99857fec1e6f2f6c078");
  await page.getByRole("button", { name: "Add" }).click();
  await page.waitForFunction(() => [...document.querySelectorAll("[data-loan]")].every((row) => row.dataset.loan.startsWith("goscore:")));
  await page.getByText("1 of 5 sources asked").waitFor();
  await page.waitForSelector("[data-currency=NOK]");
  assert.ok(asked.some(({ body }) => body?.includes("goscore:consent:6915ab")));
  for (const { url } of asked) assert.ok(!url.includes("6915ab"), url);
  await page.locator("[data-loan] a").first().click();
  await page.waitForSelector("[data-field=id]");
  assert.match(page.url(), /#\/loan\/~\w+\.\d+$/);
  await close();
});

test("a customer is chosen from the store, where there is one, and is in no address", async () => {
  const directory = await mkdtemp(join(tmpdir(), "loangate-console-store-"));
  const stored = await gateway({ env: { LOANGATE__STORE__URL: `sqlite://${directory}/customers.db` } });
  const ask = (method, path, body) => fetch(`${stored.address}${path}`, { method, headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  for (const [id, references] of [["ada", ["bsa:customer:42"]], ["grace", ["fineract:loan:123", "goscore:consent:6915ab99857fec1e6f2f6c078"]]]) {
    assert.equal((await ask("PUT", `/customers/${id}`, { references })).status, 201);
  }
  const { page, asked, close } = await open(browser, stored);
  await page.getByRole("link", { name: "Loans", exact: true }).click();
  for (const id of ["ada", "grace"]) {
    const wanted = (await (await ask("POST", "/loans/search", { customer: id })).json()).data.map((loan) => loan.id);
    assert.ok(wanted.length > 0);
    await page.getByRole("combobox", { name: "Customer", exact: true }).fill(id);
    await page.keyboard.press("Enter");
    await page.waitForFunction(
      (wanted) => [...document.querySelectorAll("[data-loan]")].map((row) => row.dataset.loan).join() === wanted.join(),
      wanted,
    );
  }
  await page.getByText("2 of 5 sources asked").waitFor();
  await page.waitForSelector("[data-currency=NOK]");
  for (const { url } of asked) assert.ok(!/ada|grace/.test(url), url);
  await page.click("text=Clear the filters");
  await page.getByText("5 of 5 sources asked").or(page.getByText("4 of 5 sources asked")).waitFor();
  assert.equal(await page.getByRole("combobox", { name: "Customer", exact: true }).inputValue(), "");
  await close();
  await stored.stop();
  await rm(directory, { recursive: true });
});

test("everything can be had as a file, and the page says whether it is whole", async () => {
  const { page, close } = await open(browser, served, { fragment: "#/loans?connection=bsa,goscore" });
  await page.waitForSelector("[data-loan]");
  for (const [name, last] of [["NDJSON", /"end":true/], ["CSV", /^(bsa|goscore):/m]]) {
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name }).click()]);
    await page.waitForSelector("[data-export=whole]");
    const text = await readFile(await download.path(), "utf8");
    assert.match(text.trimEnd().split("\n").at(-1), last);
  }
  await close();
});

test("a file that was cut is not handed over as if it were whole", async () => {
  const { page, close } = await open(browser, served, { fragment: "#/loans?connection=bsa" });
  await page.waitForSelector("[data-loan]");
  await page.route("**/loans/search", (route) => route.fulfill({ status: 200, contentType: "application/x-ndjson", body: '{"id":"bsa:1"}\n{"id":' }));
  await page.getByRole("button", { name: "NDJSON" }).click();
  await page.waitForSelector("[data-export=cut]");
  await page.getByText("the line that ends it did not come").waitFor();
  await page.getByRole("button", { name: "Keep what came" }).waitFor();
  await close();
});

test("totals are those of the summary, to the last digit", async () => {
  const { page, close } = await open(browser, served, { fragment: "#/loans" });
  const summary = await (await fetch(`${served.address}/loans/summary`)).json();
  for (const { currency, total_outstanding: total } of summary.data.debt.by_currency) {
    const shown = await page.locator(`.bars`).first().locator(`[data-currency=${currency}] > .amount`).textContent();
    assert.equal(shown.replaceAll(",", ""), total.amount ?? "unknown");
  }
  await close();
});

test("flags of a row say what they mean to whoever opens them, by keyboard too", async () => {
  const { page, close } = await open(browser, served, { fragment: "#/loans" });
  const flags = page.locator("[data-loan] details.mark").first();
  const sentence = flags.locator("p").first();
  assert.ok(!(await sentence.isVisible()));
  await flags.locator("summary").press("Enter");
  await sentence.waitFor({ state: "visible" });
  assert.match(await sentence.innerText(), /^\S.+ [\w.]+ .+\.$/);
  await fits(page);
  await shot(page, "flags-of-a-row");
  await close();
});

test("a gap that a later page met stays in sight on the pages before it", async () => {
  const broken = await gateway({ loans: 150, env: { LOANGATE__CONNECTIONS__BSA__TIMEOUT: "500ms", LOANGATE__CONNECTIONS__BSA__RETRY__ATTEMPTS: "1" } });
  const { page, close } = await open(browser, broken, { fragment: "#/loans?connection=bsa,carbon&limit=25" });
  await page.getByText("There are more pages.").waitFor();
  const first = await ids(page);
  broken.providers.stall("bsa");
  while ((await page.locator("[data-complete]").getAttribute("data-complete")) === "true") {
    const shown = await page.getByText(/^Page \d+/).textContent();
    await page.getByRole("button", { name: "Next", exact: true }).click();
    await page.waitForFunction((shown) => [...document.querySelectorAll(".pages span")].every(({ textContent }) => textContent !== shown), shown);
  }
  const back = page.getByRole("button", { name: "Previous", exact: true });
  while (await back.isEnabled()) await back.click();
  assert.deepEqual(await ids(page), first);
  assert.equal(await page.locator("[data-complete]").getAttribute("data-complete"), "false");
  await page.locator(".gaps").getByText("bsa").waitFor();
  await close();
  await broken.stop();
});

test("an export goes on while the list is refused", async () => {
  const { page, close } = await open(browser, served, { fragment: "#/loans", expected: [400] });
  await page.waitForSelector("[data-loan]");
  const asked = held(page, "**/loans/search", (route) => route.request().headers().accept === "text/csv");
  await page.getByRole("button", { name: "CSV" }).click();
  const answer = await asked;
  await page.evaluate(() => (location.hash = "#/loans?outstanding_min=abc"));
  await page.getByText("outstanding_min").first().waitFor();
  const [download] = await Promise.all([page.waitForEvent("download"), answer.continue()]);
  assert.match(await readFile(await download.path(), "utf8"), /^id,/);
  await page.getByText("It is of the filters it began with.").waitFor();
  await close();
});

test("a filter that the address brought can be taken away, and customers that could not be read be asked for again", async () => {
  const { page, close } = await open(browser, served, {
    fragment: "#/loans?purpose=processing", expected: [429],
    before: (page) => page.route("**/customers?*", (route) => route.fulfill({ status: 429, json: { title: "Too many requests", code: "rate_limited", detail: "Ask less often." } }), { times: 1 }),
  });
  await page.getByText("The customers cannot be read: Ask less often.").waitFor();
  await page.locator(".people").getByRole("button", { name: "Ask again" }).click();
  await page.locator("[data-customers=none]").waitFor();
  await page.getByLabel("Consented purpose").selectOption("any");
  await page.waitForFunction(() => location.hash === "#/loans");
  await close();
});
