// What can be told without a browser: amounts, numbers as they were sent, words.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

// The page's files are modules by the type a browser is told; Node is told here.
async function part(name) {
  return import(carried(new URL(`../../src/console/page/${name}`, import.meta.url)));
}

// With all that it imports.
function carried(file) {
  const text = readFileSync(file, "utf8").replaceAll(/from "(\.[^"]+)"/g, (_, other) => `from "${carried(new URL(other, file))}"`);
  return `data:text/javascript;base64,${Buffer.from(text).toString("base64")}`;
}

const { grouped, scaled, sum } = await part("money.js");
const { Token, inLine, lines, parse, plain } = await part("exact.js");
const { ELSEWHERE, LISTS, TEXTS, asked, fromQuery } = await part("loans/filters.js");
const { figures, hitRatio, paceOf } = await part("operations/figures.js");
const { ceiling, state, verdict } = await part("operations/state.js");

test("amounts are grouped and added to the last digit", () => {
  assert.equal(grouped("900000031845903.36"), "900,000,031,845,903.36");
  assert.equal(grouped("-1234.5"), "-1,234.5");
  assert.equal(grouped("999"), "999");
  assert.equal(grouped("12,5"), "12,5");
  assert.equal(grouped(null), "");
  assert.equal(sum(["0.1", "0.2"]), "0.3");
  assert.equal(sum(["900000031845903.36", "0.005"]), "900000031845903.365");
  assert.equal(sum(["1.00", "-3"]), "-2.00");
  assert.equal(sum(["-0.50", "0.25"]), "-0.25");
  assert.equal(sum([]), "0");
  assert.equal(scaled("12.5"), 12.5);
  assert.equal(scaled(null), null);
});

test("numbers keep their characters, and names that come twice are two", () => {
  const value = parse('{"a": 833.330000, "b": [1e3, -0.0, true, null, "x\\u0041"], "a": 900000031845903.36, "__proto__": {"c": 1}}');
  assert.equal(inLine(value), '{"a": 833.330000, "b": [1e3, -0.0, true, null, "xA"], "a": 900000031845903.36, "__proto__": {"c": 1}}');
  assert.ok(value.get("a") instanceof Token);
  assert.equal(plain(parse('{"a": [1, {"b": 2}]}')).a[1].b, 2);
  assert.equal({}.c, undefined);
  for (const wrong of ["", "{", "[1,]", "{1: 2}", "01x", "nul", '"a', "[] []"]) assert.throws(() => parse(wrong), SyntaxError, wrong);
});

test("what is nested deep stays as it was sent", () => {
  const text = `{"a": ${"[".repeat(5000)}{"b": "]"}${"]".repeat(5000)}, "c": 1.50}`;
  assert.equal(inLine(parse(text)), text);
  assert.equal(lines(parse(text)).at(-2).text, '"c": 1.50');
  assert.throws(() => parse("[".repeat(5000)), SyntaxError);
});

test("lines say which path they are of", () => {
  const paths = lines(parse('{"a": {"b": [{"c": 1}, {"c": 2}]}, "d": []}')).map(({ path, depth }) => `${depth}${path}`);
  assert.deepEqual(paths, ["0", "1a", "2a.b", "3a.b[]", "4a.b[].c", "3", "3a.b[]", "4a.b[].c", "3", "2", "1", "1d", "0"]);
});

test("every parameter of the list has a filter, or a reason why not", () => {
  const document = JSON.parse(readFileSync(new URL("../../docs/openapi.json", import.meta.url), "utf8"));
  const parameters = document.paths["/loans"].get.parameters.map(({ name }) => name).sort();
  assert.deepEqual([...LISTS, ...TEXTS, "limit", ...Object.keys(ELSEWHERE)].sort(), parameters);
  const words = (query) => asked(fromQuery(query));
  assert.deepEqual(words({ overdue: "true", max_age: "0", provider: "bsa,belvo" }), { provider: ["bsa", "belvo"], overdue: true, max_age: 0 });
  assert.deepEqual(words({ overdue: "yes", max_age: "soon" }), { overdue: "yes", max_age: "soon" });
});

test("figures come out of the exposition", () => {
  const text = [
    "# TYPE loangate_http_in_flight gauge",
    "loangate_http_in_flight 3",
    'loangate_http_requests_total{route="/loans",method="GET",status="200"} 10',
    'loangate_http_requests_total{route="/loans/{id}",method="GET",status="503"} 2',
    'loangate_http_shed_total{reason="overloaded"} 1',
    'loangate_cache_requests_total{result="hit"} 3',
    'loangate_cache_requests_total{result="miss"} 1',
    'loangate_build_info{version="0.1.0"} 1',
  ].join("\n");
  const read = figures(text);
  assert.deepEqual(
    [read.inFlight, read.requests, read.failed, read.shed, read.version, hitRatio(read.cache)],
    [2, 12, 2, { overloaded: 1 }, "0.1.0", 0.75],
  );
  assert.equal(hitRatio({}), null);
  assert.equal(hitRatio({ miss: 4 }), 0);
  assert.equal(paceOf({ at: 0, requests: 5 }, { at: 2000, requests: 8 }), "1.5");
  assert.equal(paceOf({ at: 0, requests: 5 }, { at: 2000, requests: 3 }), null);
  assert.deepEqual([0, 1, 2, 3, 5, 6, 99, 101, 2000].map((high) => ceiling(high, 2)), [2, 2, 2, 5, 5, 10, 100, 200, 2000]);
});

test("one word for how a connection does, and one sentence for all", () => {
  const connection = (id, change = {}, recent = [[10, 0]]) => ({
    id,
    health: { circuit: "closed", rate_limited_for_ms: null, ...change },
    recent: recent.map(([requests, failures]) => ({ requests, failures })),
  });
  const word = (...of) => state(connection("x", ...of)).word;
  assert.equal(word(), "well");
  assert.equal(word({}, []), "idle");
  assert.equal(word({}, [[10, 10], [0, 0], [4, 1]]), "failing");
  assert.equal(word({}, [[9, 9], [4, 0], [4, 0], [4, 0], [4, 0]]), "well");
  assert.equal(word({}, [[10, 1]]), "shaky");
  assert.equal(word({ circuit: "open" }), "left alone");
  assert.equal(word({ circuit: "half_open" }), "on trial");
  assert.equal(word({ rate_limited_for_ms: 10 }), "asks to wait");
  assert.equal(verdict([connection("a"), connection("b", { circuit: "open" })]).text, "One connection hurts: b (left alone).");
  assert.equal(state(connection("x", { circuit: "half_open" }, [[3, 3]])).tone, "bad");
  assert.equal(verdict([connection("a")]).tone, "good");
});
