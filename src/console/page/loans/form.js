// Every filter that a list has.

import { html, useEffect, useRef, useState } from "../page.js";
import { VOCABULARIES, said } from "../words.js";
import { LIMITS } from "./filters.js";
import { People } from "./people.js";
import { useStore } from "./store.js";

const NAMES = { record_type: "Record", kind: "Kind", status: "Status", phase: "Phase", payment_status: "Payment" };
const RANGES = [["opened", "Opened"], ["due", "Next payment due"], ["defaulted", "Defaulted"]];
const OVERDUE = [["", "any"], ["true", "yes"], ["false", "no"]];
const PURPOSES = [["", "any"], ["presentation", "presentation"], ["processing", "processing"]];

export function Form({ filters, connections, used, change, clear }) {
  const set = (name) => (value) => change({ [name]: value });
  const providers = [...new Set(connections.map(({ provider }) => provider))].sort();
  const store = useStore();
  return html`<form class="filters" aria-label="Filters" onSubmit=${(event) => event.preventDefault()}>
    <${People} connections=${connections} store=${store} />
    <${Choices} name="Connections" words=${connections.map(({ id }) => id)} chosen=${filters.connection} set=${set("connection")} open raw />
    <${Choices} name="Providers" words=${providers} chosen=${filters.provider} set=${set("provider")} raw />
    ${Object.entries(VOCABULARIES).map(([name, words]) => html`<${Choices} key=${name} name=${NAMES[name]} words=${words} chosen=${filters[name]} set=${set(name)}
      open=${name === "status" || name === "payment_status"} />`)}
    <fieldset>
      <legend>Money</legend>
      <${Field} label="Currency" value=${filters.currency.join(",")} set=${(text) => set("currency")(text.toUpperCase().split(/[ ,]+/).filter(Boolean))} hint="NOK, or NOK, TZS" />
      <div class="pair">
        <${Field} label="Owed, from" value=${filters.outstanding_min} set=${set("outstanding_min")} mode="decimal" />
        <${Field} label="to" value=${filters.outstanding_max} set=${set("outstanding_max")} mode="decimal" />
      </div>
      ${(filters.outstanding_min || filters.outstanding_max) && filters.currency.length !== 1 &&
      html`<p class="hint">Amounts are compared within one currency: name exactly one.</p>`}
    </fieldset>
    <${Select} label="Overdue" value=${filters.overdue} options=${OVERDUE} set=${set("overdue")} />
    <details class="group" open=${RANGES.some(([name]) => filters[`${name}_from`] || filters[`${name}_to`])}>
      <summary>Dates</summary>
      ${RANGES.map(([name, label]) => html`<fieldset key=${name}><legend>${label}</legend><div class="pair">
        <${Field} label="from" type="date" value=${filters[`${name}_from`]} set=${set(`${name}_from`)} />
        <${Field} label="to" type="date" value=${filters[`${name}_to`]} set=${set(`${name}_to`)} />
      </div></fieldset>`)}
    </details>
    <details class="group" open=${filters.purpose !== "" || filters.require.length > 0 || filters.max_age !== ""}>
      <summary>More</summary>
      ${(store.state !== "none" || filters.purpose !== "") && html`<${Select} label="Consented purpose" value=${filters.purpose} options=${PURPOSES} set=${set("purpose")} />`}
      <${Field} label="Data at most so many seconds old" value=${filters.max_age} set=${set("max_age")} mode="numeric" hint="as the gateway is configured" />
      <${Select} label="Loans a page" value=${filters.limit} options=${LIMITS.map((limit) => [limit, limit])} set=${set("limit")} />
      <${Choices} name="An error without" words=${["all", ...connections.map(({ id }) => id)]} chosen=${filters.require} set=${set("require")} open raw />
      <p class="hint">A gap in any of these is an error, and not an incomplete answer.</p>
    </details>
    <button type="button" class="plain clear" disabled=${used === 0 && filters.sort === ""} onClick=${clear}>Clear the filters</button>
  </form>`;
}

function Choices({ name, words, chosen, set, open, raw }) {
  const toggle = (word) => set(chosen.includes(word) ? chosen.filter((one) => one !== word) : [...chosen, word]);
  // What the address names and nobody knows is shown too, so that it can be taken away.
  const all = [...words, ...chosen.filter((word) => !words.includes(word))];
  // It does not fold under the hand that takes the last one away.
  const unfolded = useRef(false);
  unfolded.current ||= open || chosen.length > 0;
  return html`<details class="group" open=${unfolded.current}>
    <summary>${name}${chosen.length > 0 && html` <span class="badge">${chosen.length}</span>`}</summary>
    <div class="choices" role="group" aria-label=${name}>
      ${all.map((word) => html`<label key=${word} class="choice">
        <input type="checkbox" checked=${chosen.includes(word)} onChange=${() => toggle(word)} /><span>${raw ? word : said(word)}</span>
      </label>`)}
    </div>
  </details>`;
}

// What an address says and is no option is shown as one, so that it can be taken away.
export function Select({ label, value, options, set }) {
  const all = options.some(([word]) => word === value) ? options : [...options, [value, value]];
  return html`<label class="field"><span>${label}</span>
    <select value=${value} onChange=${(event) => set(event.target.value)}>
      ${all.map(([word, text, disabled]) => html`<option key=${word} value=${word} selected=${word === value} disabled=${disabled && word !== value}>${text}</option>`)}
    </select></label>`;
}

// Given on when somebody pauses or leaves the field, not with each letter.
function Field({ label, value, set, type = "text", hint, mode }) {
  const [text, write] = useState(value);
  const waiting = useRef(null);
  const gone = useRef(false);
  const give = (text) => {
    clearTimeout(waiting.current);
    if (text !== value && !gone.current) set(text);
  };
  useEffect(() => write(value), [value]);
  // A field that is taken away loses the focus too, and gives nothing on by that.
  useEffect(
    () => () => {
      clearTimeout(waiting.current);
      gone.current = true;
    },
    [],
  );
  const typed = (event) => {
    const text = event.target.value;
    write(text);
    clearTimeout(waiting.current);
    waiting.current = setTimeout(give, 600, text);
  };
  return html`<label class="field"><span>${label}</span>
    <input type=${type} value=${text} placeholder=${hint} inputmode=${mode} autocomplete="off" spellcheck=${false}
      onInput=${typed} onBlur=${() => give(text)} onKeyDown=${(event) => event.key === "Enter" && give(text)} /></label>`;
}
