// How a connection does, from what traffic says about it.

const WINDOW = 15 * 60_000;

export function totals(recent) {
  const requests = recent.reduce((sum, slot) => sum + slot.requests, 0);
  const failures = recent.reduce((sum, slot) => sum + slot.failures, 0);
  return { requests, failures };
}

// The last slots in which anything was asked say how it is now; older ones how it was.
function lately(recent) {
  return totals(recent.filter(({ requests }) => requests > 0).slice(-4));
}

// One word, its colour, and a sentence.
export function state({ health, recent = [] }) {
  if (health.circuit === "open") {
    return { word: "left alone", tone: "bad", says: "It failed so often that it is not asked for a while." };
  }
  if (health.rate_limited_for_ms !== null) {
    return { word: "asks to wait", tone: "watch", says: "It said when it may be asked again." };
  }
  const { requests, failures } = lately(recent);
  if (health.circuit === "half_open") {
    const tone = failures * 2 > requests ? "bad" : "watch";
    return { word: "on trial", tone, says: "It failed; the next request shows whether it is well again." };
  }
  if (requests === 0) return { word: "idle", tone: "plain", says: "Nothing was asked of it in the last 15 minutes." };
  if (failures * 2 > requests) return { word: "failing", tone: "bad", says: "More than half of what it is asked fails." };
  if (failures > 0) return { word: "shaky", tone: "watch", says: "A part of what it is asked fails." };
  return { word: "well", tone: "good", says: "Everything it was asked lately went well." };
}

// One sentence on all of them: which provider is hurting us?
export function verdict(connections) {
  const judged = connections.map((connection) => ({ id: connection.id, ...state(connection) }));
  const bad = judged.filter(({ tone }) => tone === "bad");
  const watch = judged.filter(({ tone }) => tone === "watch");
  const named = (list) => list.map(({ id, word }) => `${id} (${word})`).join(", ");
  if (bad.length > 0) {
    const also = watch.length > 0 ? ` Keep an eye on ${named(watch)}.` : "";
    return { tone: "bad", text: `${bad.length === 1 ? "One connection hurts" : `${bad.length} connections hurt`}: ${named(bad)}.${also}` };
  }
  if (watch.length > 0) return { tone: "watch", text: `Nothing is down. Keep an eye on ${named(watch)}.` };
  if (judged.every(({ tone }) => tone === "plain")) return { tone: "plain", text: "Nothing was asked of any connection in the last 15 minutes." };
  return { tone: "good", text: `No connection fails. ${judged.length} are configured.` };
}

// The slots as columns for a chart; gaps where nothing was asked.
export function columns(recent) {
  return {
    at: recent.map(({ from }) => Date.parse(from) / 1000),
    p50: recent.map(({ p50_ms }) => p50_ms),
    p95: recent.map(({ p95_ms }) => p95_ms),
    good: recent.map(({ requests }) => requests),
    bad: recent.map(({ failures }) => failures),
  };
}

// The least of 1, 2, 5, 10, 20 … that is high enough: where a scale ends.
export function ceiling(high, least) {
  let step = 1;
  while (step * 10 <= Math.max(high, least)) step *= 10;
  return [1, 2, 5, 10].map((factor) => factor * step).find((end) => end >= Math.max(high, least));
}

export { WINDOW };
