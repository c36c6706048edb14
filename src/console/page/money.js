// Amounts are decimal text from the provider to the screen. Nothing here makes a Number of one, except `share`, whose
// result is a width on the screen and is never shown.

const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?$/;

// "5038.50" as "5,038.50". What is no decimal is shown as it is.
export function grouped(text) {
  const found = DECIMAL.exec(text ?? "");
  if (!found) return text ?? "";
  const [, sign, whole, fraction] = found;
  const groups = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return `${sign}${groups}${fraction === undefined ? "" : `.${fraction}`}`;
}

// The exact sum, with the most decimals that any of them has.
export function sum(texts) {
  const parts = texts.map((text) => DECIMAL.exec(text)).filter(Boolean);
  const places = Math.max(0, ...parts.map(([, , , fraction = ""]) => fraction.length));
  const total = parts.reduce((total, [, sign, whole, fraction = ""]) => {
    const units = BigInt(whole + fraction.padEnd(places, "0"));
    return sign === "-" ? total - units : total + units;
  }, 0n);
  const digits = (total < 0n ? -total : total).toString().padStart(places + 1, "0");
  const cut = digits.length - places;
  return `${total < 0n ? "-" : ""}${digits.slice(0, cut)}${places > 0 ? `.${digits.slice(cut)}` : ""}`;
}

// For the lengths of bars and the heights of lines: a position on a screen needs no more than a float has.
export function scaled(text) {
  const value = Number.parseFloat(text ?? "");
  return Number.isFinite(value) ? value : null;
}
