// Rows of one loan: read whole by the gateway, and paged from what was read.

import { html, useMemo, useState } from "../page.js";
import { ask } from "../api.js";
import { useAsked } from "../live.js";
import { Trouble, Waiting } from "../pieces.js";
import { Sources } from "../loans/sources.js";

// The most that the API gives at once: a picture of all is better than one of a part.
const PAGE = 200;

export function useRows(id, part, query = "") {
  const [step, go] = useState({ query, cursors: [null] });
  // Other filters begin a new walk.
  const cursors = step.query === query ? step.cursors : [null];
  const cursor = cursors.at(-1);
  const path = `loans/${encodeURIComponent(id)}/${part}?limit=${PAGE}${query}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`;
  const rows = useAsked((signal) => ask(path, { signal }), [path]);
  return useMemo(
    () => ({
      ...rows,
      page: cursors.length,
      next: () => go({ query, cursors: [...cursors, rows.value.page.next_cursor] }),
      back: () => go({ query, cursors: cursors.slice(0, -1) }),
      restart: () => (cursor ? go({ query, cursors: [null] }) : rows.again()),
    }),
    [rows.value, rows.error, rows.asking, path],
  );
}

// What a picture is of, when it is not of all: the rows of this page.
export const partOf = (shown, page) => (page.total !== null && shown < page.total ? `${shown} of ${page.total}` : String(shown));

// `children(data, page)`: how the rows look.
export function Rows({ rows, empty, children }) {
  const { value, error, asking } = rows;
  if (error?.code === "cursor_expired") {
    return html`<${Trouble} error=${{ title: "This walk is over", message: "The gateway kept the rows for a while, and that while has passed." }}><p><button onClick=${rows.restart}>Start again</button></p><//>`;
  }
  if (error?.code === "capability_not_supported") return html`<p class="note" data-none>This loan's provider does not send such rows. ${error.message}</p>`;
  if (error) return html`<${Trouble} error=${error} again=${rows.restart} />`;
  if (!value) return html`<${Waiting} rows=${6} />`;
  const { data, page, complete, sources } = value;
  return html`
    ${!complete && html`<${Sources} complete=${complete} sources=${sources} more=${page.next_cursor !== null} again=${rows.restart} />`}
    ${data.length === 0 ? html`<p class="note">${complete ? empty : "Nothing is there yet."}</p>` : children(data, page)}
    ${(page.next_cursor !== null || rows.page > 1) && html`<nav class="pages" aria-label="Pages">
      <button class="plain" disabled=${rows.page === 1 || asking} onClick=${rows.back}>Previous</button>
      <span aria-live="polite">Page ${rows.page} of ${Math.max(1, Math.ceil(page.total / PAGE))}, ${page.total} in all</span>
      <button class="plain" disabled=${page.next_cursor === null || asking} onClick=${rows.next}>Next</button>
    </nav>`}`;
}
