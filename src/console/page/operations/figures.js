// What the gateway says of itself in /metrics: the few figures that the page shows.

const SAMPLE = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-z_]+)="((?:[^"\\]|\\.)*)"/g;

// Lines of Prometheus text as {name, labels, value}.
export function samples(text) {
  return text.split("\n").flatMap((line) => {
    const found = SAMPLE.exec(line);
    if (!found) return [];
    const labels = Object.fromEntries([...(found[2] ?? "").matchAll(LABEL)].map(([, name, value]) => [name, value]));
    return [{ name: found[1], labels, value: Number(found[3]) }];
  });
}

export function figures(text) {
  const all = samples(text);
  const of = (name) => all.filter((sample) => sample.name === name);
  const total = (list) => list.reduce((sum, { value }) => sum + value, 0);
  const by = (name, label) => Object.fromEntries(of(name).map(({ labels, value }) => [labels[label], value]));
  const requests = of("loangate_http_requests_total");
  return {
    // The question for these figures is one of them.
    inFlight: Math.max(0, total(of("loangate_http_in_flight")) - 1),
    requests: total(requests),
    failed: total(requests.filter(({ labels }) => labels.status.startsWith("5"))),
    shed: by("loangate_http_shed_total", "reason"),
    cache: by("loangate_cache_requests_total", "result"),
    version: of("loangate_build_info")[0]?.labels.version ?? null,
  };
}

// Requests a second between two looks; not known over a restart, from which all is counted anew.
export function paceOf(before, after) {
  if (!before || !after || after.at <= before.at || after.requests < before.requests) return null;
  return (((after.requests - before.requests) * 1000) / (after.at - before.at)).toFixed(1);
}

export function hitRatio({ hit = 0, miss = 0, stale = 0 }) {
  const all = hit + miss + stale;
  return all === 0 ? null : hit / all;
}
