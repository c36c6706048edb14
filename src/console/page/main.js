// Asks what there is while the rest of the page is still on its way.

import { ask } from "./api.js";

export const first = ask("connections");
// Whoever shows it says what went wrong.
first.catch(() => {});

import("./shell.js");
