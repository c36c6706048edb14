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

// One card is shown at a time; this closes it.
let showing = null;

export function Value({ value, kind, currency, told, flags }) {
  const id = useId();
  const [pointed, point] = useState(false);
  const [focused, focus] = useState(false);
  // A card that is held can be gone over, and what is in it selected; before, it lets through to what lies under it.
  const [held, hold] = useState(false);
  const visible = pointed || focused || held;
  const place = useRef(null);
  const pressed = useRef(null);
  const inside = useRef(false);
  const close = () => {
    point(false);
    focus(false);
    hold(false);
  };
  // A finger brings focus and a pointer along, so what counts is what was there when it came down.
  const click = () => {
    const { touch = false, visible: was = false } = pressed.current ?? {};
    pressed.current = null;
    if (touch && was) close();
    else hold(touch || !held);
  };
  useEffect(() => {
    if (!visible) return undefined;
    showing?.();
    showing = close;
    const elsewhere = (event) => {
      if (event.type === "keydown" && event.key !== "Escape") return;
      if (event.type === "pointerdown" && place.current?.contains(event.target)) return;
      close();
    };
    addEventListener("keydown", elsewhere);
    addEventListener("pointerdown", elsewhere);
    return () => {
      if (showing === close) showing = null;
      removeEventListener("keydown", elsewhere);
      removeEventListener("pointerdown", elsewhere);
    };
  }, [visible]);
  const press = ({ target }) => {
    inside.current = target.closest(".tip") !== null;
  };
  const blur = () => {
    focus(false);
    // Whoever selects what is in the card takes the focus from its value.
    if (!inside.current) hold(false);
    inside.current = false;
  };
  const mark = told && told.origin !== "reported" ? html`<span class="origin">${told.origin}</span>` : null;
  return html`<span class="value" ref=${place} onPointerDown=${press}>
    <button type="button" class="told" aria-describedby=${visible ? id : null} aria-expanded=${visible}
      onMouseEnter=${() => point(true)} onMouseLeave=${() => point(false)} onFocus=${() => focus(true)} onBlur=${blur}
      onPointerDown=${({ pointerType }) => (pressed.current = { touch: pointerType !== "mouse", visible })} onClick=${click}>${shown(value, kind, currency)}${mark}${flags.length > 0 && html`<span class="flag" aria-hidden="true">⚑</span>`}</button>
    ${visible && html`<${Origin} id=${id} told=${told} flags=${flags} held=${held} of=${place} />`}
  </span>`;
}

// Beside its value, and inside the window whatever its width.
function Origin({ id, told, flags, held, of }) {
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
  return html`<span role="tooltip" class=${`tip ${held ? "held" : ""}`} id=${id} ref=${card}>
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
