// JSON whose numbers stay the characters that were sent. `JSON.parse` would make 833.330000 into 833.33 and
// 900000031845903.36 into something else, and the point of showing what a provider sent is to show that.

export class Token {
  constructor(text) {
    this.text = text;
  }
  toString() {
    return this.text;
  }
}

// What is nested deeper than this stays the text that was sent: no reader follows it, and no stack is endless.
const DEEPEST = 200;

export class Deep extends Token {}

export function parse(text) {
  const reader = new Reader(text);
  const value = reader.value();
  reader.space();
  if (reader.at !== text.length) throw new SyntaxError("text after the JSON");
  return value;
}

const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const STRING = /"(?:[^"\\]|\\.)*"/y;
const WORD = /true|false|null/y;
const SPACE = /[ \t\n\r]*/y;
const WORDS = { true: true, false: false, null: null };

class Reader {
  constructor(text) {
    this.text = text;
    this.at = 0;
    this.depth = 0;
  }

  take(pattern) {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (!found) throw new SyntaxError(`not JSON at ${this.at}`);
    this.at = pattern.lastIndex;
    return found[0];
  }

  space() {
    this.take(SPACE);
  }

  next() {
    this.space();
    return this.text[this.at];
  }

  value() {
    const first = this.next();
    if ((first === "{" || first === "[") && this.depth >= DEEPEST) return this.asSent();
    if (first === "{") return this.object();
    if (first === "[") return this.array();
    if (first === '"') return JSON.parse(this.take(STRING));
    if (first === "t" || first === "f" || first === "n") return WORDS[this.take(WORD)];
    return new Token(this.take(NUMBER));
  }

  asSent() {
    const from = this.at;
    let open = 0;
    do {
      const mark = this.text[this.at];
      if (mark === undefined) throw new SyntaxError(`not JSON at ${this.at}`);
      if (mark === '"') this.take(STRING);
      else this.at += 1;
      if (mark === "{" || mark === "[") open += 1;
      if (mark === "}" || mark === "]") open -= 1;
    } while (open > 0);
    return new Deep(this.text.slice(from, this.at));
  }

  members(end, member) {
    this.at += 1;
    if (this.next() === end) {
      this.at += 1;
      return;
    }
    this.depth += 1;
    for (;;) {
      member();
      const mark = this.next();
      this.at += 1;
      if (mark === end) {
        this.depth -= 1;
        return;
      }
      if (mark !== ",") throw new SyntaxError(`not JSON at ${this.at}`);
    }
  }

  object() {
    // Entries, so that a name that comes twice is shown twice, and one like __proto__ is only a name.
    const entries = [];
    this.members("}", () => {
      this.space();
      const name = JSON.parse(this.take(STRING));
      if (this.next() !== ":") throw new SyntaxError(`not JSON at ${this.at}`);
      this.at += 1;
      entries.push([name, this.value()]);
    });
    return new Entries(entries);
  }

  array() {
    const list = [];
    this.members("]", () => list.push(this.value()));
    return list;
  }
}

// An object as it was sent.
export class Entries {
  constructor(list) {
    this.list = list;
  }

  get(name) {
    return this.list.find(([own]) => own === name)?.[1];
  }
}

// The same as plain objects, for parts of an answer that are the gateway's own. Its numbers there are counts.
export function plain(value) {
  if (value instanceof Deep) return value.text;
  if (value instanceof Token) return Number(value.text);
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Entries) return Object.fromEntries(value.list.map(([name, inner]) => [name, plain(inner)]));
  return value;
}

// A value in one line.
export function inLine(value) {
  if (value === undefined) return "";
  if (value instanceof Token) return value.text;
  if (Array.isArray(value)) return `[${value.map(inLine).join(", ")}]`;
  if (value instanceof Entries) return `{${value.list.map(([name, inner]) => `${JSON.stringify(name)}: ${inLine(inner)}`).join(", ")}}`;
  return JSON.stringify(value);
}

// A value over many lines: each with its depth, its text, and the path of what is in it. Rows of a list are `[]`, as in
// the `source` of a provenance.
export function lines(value, depth = 0, path = "", name = null, last = true, into = []) {
  const head = name === null ? "" : `${JSON.stringify(name)}: `;
  const comma = last ? "" : ",";
  const nested = Array.isArray(value) || value instanceof Entries;
  const inner = Array.isArray(value) ? value.map((item) => [null, item]) : nested ? value.list : [];
  if (inner.length === 0) {
    const text = nested ? (Array.isArray(value) ? "[]" : "{}") : inLine(value);
    into.push({ depth, path, text: `${head}${text}${comma}` });
    return into;
  }
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  into.push({ depth, path, text: `${head}${open}` });
  inner.forEach(([own, item], index) => {
    const below = own === null ? `${path}[]` : path === "" ? own : `${path}.${own}`;
    lines(item, depth + 1, below, own, index === inner.length - 1, into);
  });
  into.push({ depth, path: "", text: `${close}${comma}` });
  return into;
}
