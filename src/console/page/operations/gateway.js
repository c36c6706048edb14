// The gateway's own figures, for keys that may see its metrics.

import { html } from "../page.js";
import { hitRatio } from "./figures.js";

const SHED = { overloaded: "gateway full", concurrency: "client has too much in hand", rate: "client asks too often" };

// `late`: when these were true, if they are not known to be so now.
export function Gateway({ figures, error, pace, late }) {
  if (error?.status === 403) {
    return html`<p class="note gateway">The gateway's own figures (in flight, shed, cache) need a key with the scope <code>metrics:read</code>.</p>`;
  }
  const ratio = figures && hitRatio(figures.cache);
  const shed = figures && Object.entries(figures.shed);
  const refused = shed?.reduce((sum, [, count]) => sum + count, 0);
  return html`${error && html`<p class="note gateway" role="status" data-figures="stale">The gateway's own figures ${figures ? `are of ${late}` : "are not known"}: ${error.message}</p>`}
  <dl class=${`tiles gateway ${late ? "stale" : ""}`}>
    <${Tile} name="In flight" value=${figures?.inFlight} note="requests being answered, besides the one for these figures" />
    <${Tile} name="Answered" value=${pace} note=${figures ? `a second now; ${figures.requests} since it started, ${figures.failed} of them 5xx` : ""} />
    <${Tile} name="Shed" value=${refused} tone=${refused > 0 ? "watch" : ""} note=${shed && (said(shed) || "nothing refused since it started")} />
    <${Tile} name="Cache hits" value=${typeof ratio === "number" ? `${Math.floor(ratio * 100)} %` : "–"} bar=${figures?.cache}
      note=${figures ? `${figures.cache.hit ?? 0} hit, ${figures.cache.miss ?? 0} missed, ${figures.cache.stale ?? 0} stale` : ""} />
  </dl>`;
}

const said = (shed) => shed.filter(([, count]) => count > 0).map(([reason, count]) => `${count} ${SHED[reason] ?? reason}`).join(", ");

const Tile = ({ name, value, note, tone = "", bar }) => html`<div class=${`tile ${tone}`}>
  <dt>${name}</dt>
  <dd class="figure">${value ?? "–"}</dd>
  ${bar && html`<dd class="split" aria-hidden="true">${["hit", "miss", "stale"].filter((word) => bar[word] > 0).map((word) => html`<i key=${word} class=${word} style=${{ flexGrow: bar[word] ?? 0 }}></i>`)}</dd>`}
  <dd class="small">${note}</dd>
</div>`;
