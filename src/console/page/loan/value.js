// A value, and where it came from for whoever hovers over it, comes to it by keyboard, or taps it.

import { html, useEffect, useId, useLayoutEffect, useRef, useState } from "../page.js";
import { grouped } from "../money.js";
import { instant } from "../time.js";
import { ORIGINS, PLACES, said, tone } from "../words.js";
import { Theirs } from "../pieces.js";
import { Token, inLine } from "../exact.js";

export function shown(value, kind, currency) {
  if (kind === "money") return html`<span class="amount">${grouped(value)}</span> <span class="currency">${currency}</span>`;
  if (kind === "percent") return `${value} %`;
  if (kind === "word") return html`<span class=${`word ${tone(value)}`}>${said(value)}</span>`;
  if (kind === "yes") return value === true ? "yes" : value === false ? "no" : inLine(value);
  if (kind === "instant") return instant(value);
  if (typeof value === "string") return html`<${Theirs}>${value}<//>`;
  return inLine(value);
}

export function Value({ value, kind, currency, told, flags }) {
  const id = useId();
  const [open, set] = useState(false);
  const [held, hold] = useState(false);
  const place = useRef(null);
  const visible = open || held;
  const pressed = useRef(null);
  // A finger brings focus and a pointer along, so what counts is what was there when it came down.
  const click = () => {
    const { touch = false, visible: was = false } = pressed.current ?? {};
    pressed.current = null;
    if (touch) set(!was);
    hold(touch ? !was : !held);
  };
  useEffect(() => {
    if (!visible) return undefined;
    const close = (event) => {
      if (event.type === "keydown" && event.key !== "Escape") return;
      if (event.type === "pointerdown" && place.current?.contains(event.target)) return;
      set(false);
      hold(false);
    };
    addEventListener("keydown", close);
    addEventListener("pointerdown", close);
    return () => {
      removeEventListener("keydown", close);
      removeEventListener("pointerdown", close);
    };
  }, [visible]);
  const mark = told && told.origin !== "reported" ? html`<span class="origin">${told.origin}</span>` : null;
  return html`<span class="value" ref=${place}>
    <button type="button" class="told" aria-describedby=${visible ? id : null} aria-expanded=${visible}
      onMouseEnter=${() => set(true)} onMouseLeave=${() => set(false)} onFocus=${() => set(true)} onBlur=${() => (set(false), hold(false))}
      onPointerDown=${({ pointerType }) => (pressed.current = { touch: pointerType !== "mouse", visible })} onClick=${click}>${shown(value, kind, currency)}${mark}${flags.length > 0 && html`<span class="flag" aria-hidden="true">⚑</span>`}</button>
    ${visible && html`<${Origin} id=${id} told=${told} flags=${flags} of=${place} />`}
  </span>`;
}

// Beside its value, and inside the window whatever its width.
function Origin({ id, told, flags, of }) {
  const card = useRef(null);
  const put = () => {
    const box = of.current.getBoundingClientRect();
    const { offsetWidth, offsetHeight, style } = card.current;
    const left = Math.max(8, Math.min(box.left, document.documentElement.clientWidth - offsetWidth - 8));
    const below = box.bottom + 6 + offsetHeight <= innerHeight;
    style.left = `${left}px`;
    style.top = `${below ? box.bottom + 6 : box.top - 6 - offsetHeight >= 8 ? box.top - 6 - offsetHeight : box.bottom + 6}px`;
  };
  useLayoutEffect(put);
  useEffect(() => {
    // It goes where its value goes, also when what scrolls is not the window.
    addEventListener("scroll", put, { capture: true, passive: true });
    addEventListener("resize", put);
    return () => {
      removeEventListener("scroll", put, { capture: true });
      removeEventListener("resize", put);
    };
  }, []);
  return html`<span role="tooltip" class="tip" id=${id} ref=${card}>
    ${told
      ? html`<strong class=${`word origin-${told.origin}`}>${told.origin}</strong> <span>${ORIGINS[told.origin]}</span>
        <span class="line"><span class="quiet">from</span> ${PLACES[told.source] ? html`${PLACES[told.source]} <code>${told.source}</code>` : html`<code><${Theirs}>${told.source}<//></code>`}</span>
        ${told.received !== null && told.received !== undefined && html`<span class="line"><span class="quiet">received</span> <code><${Theirs}>${clipped(told.received)}<//></code></span>`}`
      : html`<span>Where it came from is not told.</span>`}
    ${flags.map(({ code, says }) => html`<span class="line" key=${code}>⚑ ${says}</span>`)}
  </span>`;
}

const LONGEST = 160;

function clipped(value) {
  const text = value instanceof Token ? value.text : inLine(value);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}
