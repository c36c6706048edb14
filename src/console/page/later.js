// Views that are fetched when somebody goes there, or when nothing else is to be done: the first thing on the screen does not
// wait for them.

import { html, useEffect, useState } from "./page.js";
import { Trouble, Waiting } from "./pieces.js";

const FETCHED = {
  loans: () => import("./loans/view.js").then(({ Loans }) => Loans),
  loan: () => import("./loan/view.js").then(({ Loan }) => Loan),
};
const there = {};

const fetched = async (view) => (there[view] ??= await FETCHED[view]());

export function Later({ view, ...given }) {
  const [lost, set] = useState(null);
  const [, come] = useState(false);
  useEffect(() => {
    let here = true;
    fetched(view).then(() => here && come(true), (error) => here && set(error));
    return () => { here = false; };
  }, [view]);
  if (there[view]) return html`<${there[view]} ...${given} />`;
  // A browser tries a part again that it could not get only with the page itself.
  if (lost) return html`<${Trouble} error=${lost} again=${() => location.reload()} />`;
  return html`<${Waiting} rows=${4} />`;
}

// Where somebody begins at once, and the others so that going there later takes no time.
export function warm() {
  const fetch = (view) => fetched(view).catch(() => {});
  const [, begun] = /^#\/(loans?)\b/.exec(location.hash) ?? [];
  if (begun) fetch(begun);
  const idle = globalThis.requestIdleCallback ?? ((then) => setTimeout(then, 1000));
  idle(() => Object.keys(FETCHED).forEach(fetch));
}
