// Which provider is hurting us?

import { html, useCallback, useEffect, useRef, useState } from "../page.js";
import { ahead, ask, askText } from "../api.js";
import { useNow, usePolled } from "../live.js";
import { ago, clockSeconds } from "../time.js";
import { Empty, Trouble } from "../pieces.js";
import { figures, paceOf } from "./figures.js";
import { verdict } from "./state.js";
import { Card } from "./card.js";
import { Gateway } from "./gateway.js";

const EVERY = 5000;
// An answer that takes longer than this counts as none, and the page says so.
const PATIENCE = 4000;
const STALE_AFTER = 15_000;

// One after the other, so that neither is counted as in flight by the other. What the gateway does not say of itself takes
// nothing away from the connections.
function useLive(learn) {
  const own = useRef({ figures: null, at: null, error: null });
  const load = useCallback(async (signal) => {
    const { data } = await ask("connections", { signal, patience: PATIENCE });
    learn(data);
    // Who may not see it now may not in five seconds either.
    if (own.current.error?.status === 403) return own.current;
    try {
      own.current = { figures: figures(await askText("metrics", { signal, patience: PATIENCE })), at: Date.now(), error: null };
    } catch (error) {
      own.current = { ...own.current, error };
    }
    return own.current;
  }, []);
  return usePolled(load, EVERY);
}

// The first picture answers the question above; all that is in the cards would be on the screen no sooner than a tenth of a
// second later, so it comes with the second.
let begun = false;
function useWhole() {
  const [whole, show] = useState(begun);
  useEffect(() => {
    begun = true;
    show(true);
  }, []);
  return whole;
}

// `known`: the connections as they were `at` that time, here or in another view.
export function Operations({ known, at, learn }) {
  const live = useLive(learn);
  const now = useNow();
  const whole = useWhole();
  const gateway = live.value ?? { figures: null, at: null, error: null };
  const judged = verdict(known);
  const stale = live.error !== null || now - at > STALE_AFTER;
  const late = gateway.at !== null && (stale || gateway.error) ? clockSeconds(gateway.at + ahead()) : null;
  return html`
    <div class="head">
      <h1>Operations</h1>
      <${Freshness} at=${at} begins=${live.begins} stale=${stale} now=${now} />
    </div>
    ${stale
      ? live.begins
        ? html`<p class="verdict" role="status">Asking. What is shown is of ${clockSeconds(at + ahead())}.</p>`
        : html`<${Trouble} error=${live.error ?? LATE} again=${live.again}><p>What is shown is of ${clockSeconds(at + ahead())}.</p><//>`
      : html`<p class=${`verdict ${judged.tone}`} role="status">${judged.text}</p>`}
    <${Gateway} figures=${gateway.figures} error=${gateway.error} pace=${usePace(gateway)} late=${late} />
    ${known.length === 0
      ? html`<${Empty} title="No connection to show">None is configured, or your key may see none.<//>`
      : html`<div class=${`cards ${stale ? "stale" : ""}`}>${known.map((connection) => html`<${Card} key=${connection.id} connection=${connection} now=${now + ahead()} stale=${stale} whole=${whole} />`)}</div>`}`;
}

const LATE = { title: "No news", message: "The gateway has not answered for a while." };

function Freshness({ at, begins, stale, now }) {
  const state = begins ? "asking" : stale ? "stale" : "live";
  return html`<span class=${`fresh ${state}`} data-fresh=${state}>
    <i aria-hidden="true"></i>${state} <span class="quiet">${ago(now - at)}</span>
  </span>`;
}

function usePace({ figures, at }) {
  const looks = useRef([]);
  if (at !== null && looks.current.at(-1)?.at !== at) looks.current = [...looks.current.slice(-1), { at, requests: figures.requests }];
  return paceOf(...looks.current);
}
