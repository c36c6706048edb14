// Whose loans: a customer of the gateway's store, or references as providers know them.

import { html, useEffect, useRef, useState } from "../page.js";
import { setPeople, usePeople } from "../people.js";
import { Theirs } from "../pieces.js";

export function People({ connections, store }) {
  const { references, customer } = usePeople();
  return html`<fieldset class="people">
    <legend>Whose loans</legend>
    <${Customer} chosen=${customer} store=${store} />
    <${Reference} connections=${connections} known=${references} />
    ${references.length > 0 && html`<ul class="chips">${references.map((text) => html`<li key=${text}><code><${Theirs}>${text}<//></code>
      <button type="button" class="plain" aria-label=${`Remove ${text}`} onClick=${() => setPeople({ references: references.filter((one) => one !== text) })}>×</button></li>`)}</ul>`}
    <p class="hint">Kept in this tab only, and never in an address.</p>
  </fieldset>`;
}

function Reference({ connections, known }) {
  const kinds = connections.flatMap(({ id, reference_types }) => reference_types.map((type) => `${id}:${type}`));
  const [chosen, choose] = useState(null);
  // What is configured may have changed since.
  const kind = kinds.includes(chosen) ? chosen : (kinds[0] ?? "");
  const [value, write] = useState("");
  const add = () => {
    const text = `${kind}:${value.trim()}`;
    if (value.trim() === "" || known.includes(text)) return;
    setPeople({ references: [...known, text] });
    write("");
  };
  if (kinds.length === 0) return null;
  return html`<div class="pair reference">
    <label class="field"><span>Reference</span><select value=${kind} onChange=${(event) => choose(event.target.value)}>
      ${kinds.map((kind) => html`<option key=${kind} value=${kind}>${kind.replace(":", " · ").replaceAll("_", " ")}</option>`)}
    </select></label>
    <label class="field"><span>Its value</span><input type="text" value=${value} autocomplete="off" spellcheck=${false}
      onInput=${(event) => write(event.target.value)} onKeyDown=${(event) => event.key === "Enter" && add()} /></label>
    <button type="button" class="plain" onClick=${add} disabled=${value.trim() === ""}>Add</button>
  </div>`;
}

// Typed, or chosen from the store's pages: no customer's id is in an address of a request either.
function Customer({ chosen, store }) {
  if (store.state === "none") {
    return html`<p class="hint" data-customers="none">Customers of your own need a store: put <code>[store]</code> into the config, and
      their ids can be chosen here.</p>`;
  }
  return html`<${Known} chosen=${chosen} store=${store} />
    ${store.error && html`<p class="hint">The customers cannot be read: ${store.error.message}
      <button type="button" class="plain small" onClick=${store.again}>Ask again</button></p>`}`;
}

function Known({ chosen, store }) {
  const [text, write] = useState(chosen ?? "");
  useEffect(() => write(chosen ?? ""), [chosen]);
  const gone = useRef(false);
  useEffect(() => () => (gone.current = true), []);
  // A field that is taken away loses the focus too, and says nothing by that.
  const choose = (text) => gone.current || text.trim() === (chosen ?? "") || setPeople({ customer: text.trim() || null });
  const typed = ({ target: { value }, inputType }) => {
    write(value);
    // A suggestion that was taken needs no further key.
    if (inputType === "insertReplacementText" || value === "") choose(value);
  };
  return html`<div class="customer">
    <label class="field"><span>Customer</span>
      <input type="text" list="customers" value=${text} autocomplete="off" spellcheck=${false} placeholder=${store.ids.length === 0 && store.state === "there" ? "none is in the store yet" : "anybody"}
        onInput=${typed} onBlur=${() => choose(text)} onKeyDown=${(event) => event.key === "Enter" && choose(text)} /></label>
    <datalist id="customers">${store.ids.map((id) => html`<option key=${id} value=${id}></option>`)}</datalist>
    ${store.next && html`<button type="button" class="plain small" onClick=${store.more}>Suggest more than ${store.ids.length}</button>`}
  </div>`;
}
