// Which provider is hurting us?

import { html, useCallback, useRef } from "../page.js";
import { ask, askText } from "../api.js";
import { useNow, usePolled } from "../live.js";
import { ago, clockSeconds } from "../time.js";
import { Empty, Trouble } from "../pieces.js";
import { figures } from "./figures.js";
import { verdict } from "./state.js";
import { Card } from "./card.js";
import { Gateway } from "./gateway.js";

const EVERY = 5000;
// An answer that takes longer than this counts as none, and the page says so.
const PATIENCE = 4000;
const STALE_AFTER = 15_000;

export function Operations({ known }) {
  const connections = useCallback((signal) => ask("connections", { signal, patience: PATIENCE }), []);
  const metrics = useCallback(async (signal) => figures(await askText("metrics", { signal, patience: PATIENCE })), []);
  const live = usePolled(connections, EVERY);
  const gateway = usePolled(metrics, EVERY);
  const now = useNow();
  const shown = live.value?.data ?? known;
  const judged = verdict(shown);
  const stale = live.error !== null || (live.at !== null && now - live.at > STALE_AFTER);
  return html`
    <div class="head">
      <h1>Operations</h1>
      <${Freshness} live=${live} stale=${stale} now=${now} />
    </div>
    ${stale
      ? html`<${Trouble} error=${live.error ?? LATE} again=${live.again}><p>What is shown is of ${live.at ? clockSeconds(live.at) : "the start"}.</p><//>`
      : html`<p class=${`verdict ${judged.tone}`} role="status">${judged.text}</p>`}
    <${Gateway} figures=${gateway.value} error=${gateway.error} pace=${usePace(gateway)} />
    ${shown.length === 0
      ? html`<${Empty} title="No connection to show">None is configured, or your key may see none.<//>`
      : html`<div class=${`cards ${stale ? "stale" : ""}`}>${shown.map((connection) => html`<${Card} key=${connection.id} connection=${connection} now=${now} />`)}</div>`}`;
}

const LATE = { title: "No news", message: "The gateway has not answered for a while." };

function Freshness({ live, stale, now }) {
  const words = live.at === null ? "asking" : ago(now - live.at);
  return html`<span class=${`fresh ${stale ? "stale" : ""}`} data-fresh=${stale ? "stale" : "live"}>
    <i aria-hidden="true"></i>${stale ? "stale" : "live"} <span class="quiet">${words}</span>
  </span>`;
}

// Requests a second between the last two looks.
function usePace({ value, at }) {
  const looks = useRef([]);
  if (at !== null && looks.current.at(-1)?.at !== at) looks.current = [...looks.current.slice(-1), { at, requests: value.requests }];
  const [before, after] = looks.current;
  if (!after || after.at <= before.at) return null;
  return (((after.requests - before.requests) * 1000) / (after.at - before.at)).toFixed(1);
}
