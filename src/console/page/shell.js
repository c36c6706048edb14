// Who asks, where they are, and the view for it.

import { html, useEffect, useRef, useState } from "./page.js";
import { ask, hasKey, onKey, onLocked, useThisKey } from "./api.js";
import { forgetIds, useRoute } from "./route.js";
import { forgetPeople } from "./people.js";
import { Trouble, Waiting } from "./pieces.js";
import { Door } from "./door.js";
import { Operations } from "./operations/view.js";
import { Loans } from "./loans/view.js";
import { Loan } from "./loan/view.js";

// What is known of the connections is asked for again after so long, when somebody goes to a view that does not ask by itself.
const OLD = 30_000;
const TITLES = { operations: "Operations", loans: "Loans", loan: "Loan", nothing: "Not here" };

// Whoever comes next in this tab finds nothing of whoever was there before.
function forget() {
  useThisKey(null);
  forgetPeople();
  forgetIds();
}

// What the answer to the first question says of whether the gateway lets this tab in: with its key, or because it asks for
// none.
export const entered = (answer) => answer.then(
  ({ data }) => ({ state: "open", connections: data, at: Date.now() }),
  (error) => (error.status === 401 ? { state: "locked", error: null } : { state: "failed", error }),
);

function useEntrance(known, asked) {
  const [entrance, set] = useState(known ?? { state: "asking" });
  const refreshing = useRef(null);
  const knock = async () => {
    set((before) => (before.state === "locked" ? { state: "locked", error: null, trying: true } : before));
    const next = await entered(ask("connections"));
    // Whoever has no key, or no longer the one it was asked with, is at the door already.
    if (next.state !== "locked" && next.error?.code !== "forgotten") set(next);
  };
  const lock = (error) => {
    const tried = hasKey();
    if (tried) forget();
    set({ state: "locked", error: tried ? error : null });
  };
  useEffect(() => {
    if (!known) asked.then(set);
    return onLocked(lock);
  }, []);
  const leave = () => {
    forget();
    set({ state: "asking" });
    knock();
  };
  // What a view that asks anyway is told of the connections.
  const learn = (connections) => {
    refreshing.current?.abort();
    set((before) => (before.state === "open" ? { ...before, connections, at: Date.now() } : before));
  };
  const refresh = async () => {
    refreshing.current?.abort();
    refreshing.current = new AbortController();
    const { signal } = refreshing.current;
    const next = await entered(ask("connections", { signal }));
    if (next.state === "open" && !signal.aborted) set(next);
  };
  return { entrance, knock, leave, learn, refresh };
}

// `asked` becomes what `known` is, if that was not there in time.
export function Page({ known, asked }) {
  const route = useRoute();
  const { entrance, knock, leave, learn, refresh } = useEntrance(known, asked);
  const [keyed, follow] = useState(hasKey());
  useEffect(() => onKey(() => follow(hasKey())), []);
  useEffect(() => {
    document.title = `${entrance.state === "locked" ? "Key" : TITLES[route.view]} · Loangate`;
  }, [route.view, entrance.state]);
  const main = useRef(null);
  const first = useRef(true);
  useEffect(() => {
    // Who reads with a screen reader or a keyboard is brought along to the new view. At the door it is its field.
    if (!first.current && entrance.state !== "locked") main.current?.focus({ preventScroll: true });
    if (!first.current) scrollTo(0, 0);
    first.current = false;
  }, [route.view, route.id]);
  useEffect(() => {
    // A config that was read anew may name other connections.
    if (entrance.state === "open" && route.view !== "operations" && Date.now() - entrance.at > OLD) refresh();
  }, [route.view, route.id]);
  const before = useRef(entrance.state);
  useEffect(() => {
    if (before.current === "locked" && entrance.state !== "locked") main.current?.focus({ preventScroll: true });
    before.current = entrance.state;
  }, [entrance.state]);
  return html`
    <button class="skip" onClick=${() => main.current?.focus()}>Skip to the content</button>
    <header class="bar">
      <span class="brand"><span class="sign" aria-hidden="true"></span>Loangate</span>
      <nav aria-label="Views">
        <a href="#/" aria-current=${route.view === "operations" ? "page" : null}>Operations</a>
        <a href="#/loans" aria-current=${route.view.startsWith("loan") ? "page" : null}>Loans</a>
      </nav>
      <span class="ends">
        <${Theme} />
        ${keyed && html`<button class="plain" onClick=${leave}>Forget the key</button>`}
      </span>
    </header>
    <main class="page" ref=${main} tabindex="-1">
      <${Inside} entrance=${entrance} knock=${knock} learn=${learn} route=${route} />
    </main>`;
}

function Inside({ entrance, knock, learn, route }) {
  if (entrance.state === "asking") return html`<${Waiting} rows=${4} />`;
  if (entrance.state === "locked") {
    const enter = (text) => {
      useThisKey(text);
      knock();
    };
    return html`<${Door} error=${entrance.error} trying=${entrance.trying} enter=${enter} />`;
  }
  if (entrance.state === "failed") {
    return html`<h1>No way in</h1><${Trouble} error=${entrance.error} again=${() => knock()}>
      ${entrance.error.code === "forbidden" && html`<p>The console shows what the scope <code>loans:read</code> opens.</p>`}
    <//>`;
  }
  const { connections, at } = entrance;
  if (route.view === "operations") return html`<${Operations} known=${connections} at=${at} learn=${learn} />`;
  if (route.view === "loans") return html`<${Loans} query=${route.query} connections=${connections} />`;
  if (route.view === "loan") return html`<${Loan} key=${route.id} id=${route.id} tab=${route.tab} connections=${connections} />`;
  return html`<h1>Not here</h1><p>There is no such view. <a href="#/">Operations</a> and <a href="#/loans">loans</a> are.</p>`;
}

const NEXT = { system: "light", light: "dark", dark: "system" };

// As the system says, until somebody says otherwise in this tab.
function Theme() {
  const [theme, set] = useState("system");
  useEffect(() => {
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    dispatchEvent(new Event("themechange"));
  }, [theme]);
  return html`<button class="plain" onClick=${() => set(NEXT[theme])} aria-label=${`Colours: ${theme}. Change to ${NEXT[theme]}`}>
    <span aria-hidden="true">${{ system: "◐", light: "○", dark: "●" }[theme]}</span> <span class="wide">${theme}</span>
  </button>`;
}
