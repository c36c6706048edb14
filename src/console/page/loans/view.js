// What is owed, by whom it is said, and what is missing.

import { html, useEffect, useMemo, useRef, useState } from "../page.js";
import { loanAddress, refine } from "../route.js";
import { forgetPeople, usePeople } from "../people.js";
import { Empty, Trouble, Waiting } from "../pieces.js";
import { ELSEWHERE, count, fromQuery, toQuery, unused } from "./filters.js";
import { Form } from "./form.js";
import { Brief, Sources } from "./sources.js";
import { Table } from "./table.js";
import { Totals } from "./totals.js";
import { Export } from "./export.js";
import { OneCurrency, Order, sortable } from "./order.js";
import { useWalk } from "./walk.js";

export function Loans({ query, connections }) {
  const filters = useMemo(() => fromQuery(query), [JSON.stringify(query)]);
  const people = usePeople();
  const walk = useWalk(filters, people);
  const change = (some) => refine((query) => toQuery({ ...fromQuery(query), ...some }));
  const clear = () => {
    forgetPeople();
    refine(() => ({}));
  };
  const used = count(filters) + people.references.length + (people.customer ? 1 : 0);
  return html`
    <div class="head"><h1>Loans</h1><${ById} /></div>
    <${Unused} names=${unused(query)} />
    <div class="explorer">
      <${Aside} used=${used}><${Form} filters=${filters} connections=${connections} used=${used} change=${change} clear=${clear} /><//>
      <div class="results">
        <${Answer} walk=${walk} filters=${filters} people=${people} change=${change} />
      </div>
    </div>`;
}

function Unused({ names }) {
  if (names.length === 0) return null;
  return html`<div class="trouble" role="status" data-unused><p><strong>Not all of this address is used.</strong></p>
    <ul>${names.map((name) => html`<li key=${name}><code>${name}</code> ${Object.hasOwn(ELSEWHERE, name) ? ELSEWHERE[name] : "is no filter of this list"}.</li>`)}</ul>
    <p class="small"><button class="plain" onClick=${() => refine((query) => toQuery(fromQuery(query)))}>Take it away</button></p></div>`;
}

// Beside the loans where there is room; folded above them where there is not.
function Aside({ used, children }) {
  const [wide, follow] = useState(() => matchMedia("(min-width: 60rem)").matches);
  useEffect(() => {
    const room = matchMedia("(min-width: 60rem)");
    const changed = () => follow(room.matches);
    room.addEventListener("change", changed);
    return () => room.removeEventListener("change", changed);
  }, []);
  if (wide) return html`<aside aria-label="Filters">${children}</aside>`;
  return html`<details class="aside"><summary>Filters${used > 0 && html` <span class="badge">${used}</span>`}</summary>${children}</details>`;
}

function Answer({ walk, filters, people, change }) {
  const { answer, whole, error, pending } = walk;
  const gaps = whole && { complete: whole.complete, sources: whole.sources, more: whole.page.next_cursor !== null, asking: pending };
  return html`
    ${error && !walk.later && html`<${Refusal} walk=${walk}>${filters.sort !== "" && html`<p><button class="plain" onClick=${() => change({ sort: "" })}>Without the sort</button></p>`}<//>`}
    ${!answer && !error && html`<${Waiting} rows=${8} what="Asking the sources" />`}
    ${answer && html`<div class="whole"><${Sources} ...${gaps} again=${walk.fresh} /></div>`}
    ${answer && html`<${Totals} filters=${filters} people=${people} round=${walk.round} anew=${walk.anew} />`}
    <div class="actions">
      ${answer && html`<span class="asks"><button class="plain" onClick=${walk.fresh}>Fetch anew</button> <${Order} filters=${filters} change=${change} /></span>`}
      <${Export} filters=${filters} people=${people} />
    </div>
    ${answer && html`
      <${Rows} walk=${walk} filters=${filters} change=${change} />
      ${error && walk.later && html`<${Refusal} walk=${walk} />`}
      <${Pages} walk=${walk} />
      <${Brief} ...${gaps} />`}`;
}

function Rows({ walk: { answer, whole: { complete }, asking, pending }, filters, change }) {
  const { data, page } = answer;
  const [wanted, want] = useState(null);
  const setSort = (sort) => (sortable(sort, filters) ? (want(null), change({ sort })) : want(sort));
  const currencies = [...new Set(data.map(({ currency }) => currency).filter(Boolean))].sort();
  if (data.length > 0) {
    return html`${wanted && !sortable(wanted, filters) && html`<${OneCurrency} wanted=${wanted} currencies=${currencies} change=${change} />`}
      <${Table} loans=${data} sort=${filters.sort} setSort=${setSort} asking=${asking} />`;
  }
  if (pending) return html`<${Waiting} rows=${3} what="Asking the sources" />`;
  return html`<${Empty} title=${page.next_cursor ? "Nothing on this page" : "No loan matches"}>${page.next_cursor
    ? html`<p>Go on: a page can be empty, and only the last has no next one.</p>`
    : html`<p>${complete ? "Every source was read to its end." : "A source is missing, so there may be some."}</p>`}<//>`;
}

function Pages({ walk: { answer, asking, pending, index, size, back, next } }) {
  return html`<nav class="pages" aria-label="Pages">
    <button class="plain" disabled=${index === 0 || asking} onClick=${back}>Previous</button>
    <span aria-live="polite">${pending ? "Asking…" : `Page ${index + 1}${size(answer.page)}`}</span>
    <button class="plain" disabled=${answer.page.next_cursor === null || asking} onClick=${next}>Next</button>
  </nav>`;
}

// Where somebody looks who asked for it: above the list, or between it and the buttons for pages.
function Refusal({ walk, children }) {
  const { error } = walk;
  const place = useRef(null);
  useEffect(() => {
    if (!walk.later) return;
    place.current.focus({ preventScroll: true });
    place.current.scrollIntoView({ block: "nearest" });
  }, [error]);
  return html`<div ref=${place} tabindex="-1" class="refusal">${error.code === "cursor_expired"
    ? html`<div class="trouble" role="alert"><p><strong>This walk is over.</strong> The gateway kept its place for a while, and that while has passed.
        Nothing is lost: the list can be read again from its beginning.</p><p><button onClick=${walk.restart}>Start again</button></p></div>`
    : html`<${Trouble} error=${error} again=${walk.again}>
        ${children}
        ${error.sources?.length > 0 && html`<${Sources} complete=${false} sources=${error.sources} again=${walk.again} />`}
      <//>`}</div>`;
}

function ById() {
  const [text, write] = useState("");
  const open = (event) => {
    event.preventDefault();
    if (text.trim() !== "") location.hash = loanAddress(text.trim());
  };
  return html`<form class="byid" onSubmit=${open}><label class="unseen" for="byid">A loan's id</label>
    <input id="byid" placeholder="Open by id: bsa:501" value=${text} autocomplete="off" spellcheck=${false} onInput=${(event) => write(event.target.value)} />
    <button class="plain" type="submit" disabled=${text.trim() === ""}>Open</button></form>`;
}
