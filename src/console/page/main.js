// Where the page begins.

import { html, render } from "./page.js";
import { ask } from "./api.js";
import { Page, entered } from "./shell.js";

// An answer that is there by then is the first thing to be shown; a later one finds the page waiting for it.
const SOON = 150;

const asked = entered(ask("connections"));
const known = await Promise.race([asked, new Promise((pass) => setTimeout(pass, SOON))]);
const root = document.getElementById("app");
root.replaceChildren();
render(html`<${Page} known=${known} asked=${asked} />`, root);
