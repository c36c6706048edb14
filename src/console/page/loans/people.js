// Whose loans: a customer of the gateway's store, or references as providers know them.

import { html, useState } from "../page.js";
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
  const [kind, choose] = useState(kinds[0] ?? "");
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

// Chosen from the store's pages, so that no customer's id is in an address of a request either.
function Customer({ chosen, store }) {
  if (store.state === "none") {
    return html`<p class="hint" data-customers="none">Customers of your own need a store: put <code>[store]</code> into the config, and
      their ids can be chosen here.</p>`;
  }
  if (store.state === "failed") return html`<p class="hint">The customers cannot be read: ${store.error.message}</p>`;
  const choose = (text) => (text === MORE ? store.more() : setPeople({ customer: text || null }));
  return html`<label class="field"><span>Customer</span>
    <select value=${chosen ?? ""} disabled=${store.state === "asking"} onChange=${(event) => choose(event.target.value)}>
      <option value="">${store.ids.length === 0 && store.state === "there" ? "none is in the store yet" : "anybody"}</option>
      ${store.ids.map((id) => html`<option key=${id} value=${id} selected=${id === chosen}>${id}</option>`)}
      ${store.next && html`<option value=${MORE}>more …</option>`}
    </select></label>`;
}

// No customer has this id: ids hold no spaces.
const MORE = " more";
