// Where a visitor gives the key.

import { html, useEffect, useRef, useState } from "./page.js";

// `trying`: a key was given, and whether it is good is being asked.
export function Door({ error, trying, enter }) {
  const field = useRef(null);
  const [problem, say] = useState(null);
  useEffect(() => {
    if (error) field.current.focus();
  }, [error]);
  const submit = (event) => {
    event.preventDefault();
    const text = field.current.value.trim();
    if (text === "") return say("A key is needed.");
    // What no header can hold is no key, and fetch would refuse it with words of its own.
    if (!/^[\x21-\x7e]+$/.test(text)) return say("A key has no spaces, and only letters, digits and signs of ASCII.");
    say(null);
    field.current.value = "";
    enter(text);
  };
  const wrong = problem ?? (error && `${error.message} (401)`);
  return html`<form class="door" onSubmit=${submit}>
    <h1>This gateway asks who you are</h1>
    <label for="key">Your key, or a token of your identity provider</label>
    <input id="key" ref=${field} type="password" autocomplete="off" spellcheck=${false} autofocus
      aria-invalid=${wrong ? "true" : null} aria-describedby="key-note key-wrong" />
    <p id="key-wrong" class="wrong" role="alert">${wrong}</p>
    <button type="submit" disabled=${trying}>Open the console</button>
    <p class="note" role="status">${trying && "Asking the gateway…"}</p>
    <p id="key-note" class="note">It stays in the memory of this tab: no cookie, no storage, no address. It is gone when the tab is
      closed or loaded again. It needs the scope <code>loans:read</code>; with <code>metrics:read</code> it also shows the
      gateway's own figures.</p>
  </form>`;
}
