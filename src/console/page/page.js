// What every part of the page is written with: one way to say an element, and the hooks.

import { h, render, Fragment } from "./vendor/preact.js";
import htm from "./vendor/htm.js";

export { render, Fragment };
export { useEffect, useLayoutEffect, useMemo, useRef, useState, useCallback, useId } from "./vendor/hooks.js";

// Text in it always becomes a text node: whatever a provider calls a creditor is shown, never read as HTML.
export const html = htm.bind(h);
