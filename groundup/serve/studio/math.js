// Formulas: the TeX that small models write, as MathML, which browsers draw themselves. What is not known stays as it was
// written. Elements are made one by one from text: a formula can no more become markup than a word can.

const NAMESPACE = "http://www.w3.org/1998/Math/MathML";
const MOST = 2000; // characters of a formula
const DEEPEST = 40; // braces inside braces

/** @type {Record<string, string>} */
const SIGNS = Object.fromEntries(
  (
    "alpha \u03b1 beta \u03b2 gamma \u03b3 delta \u03b4 epsilon \u03b5 zeta \u03b6 eta \u03b7 theta \u03b8 kappa \u03ba lambda \u03bb mu \u03bc nu \u03bd xi \u03be pi \u03c0 rho \u03c1 sigma \u03c3 tau \u03c4 phi \u03c6 chi \u03c7 psi \u03c8 omega \u03c9 " +
    "Gamma \u0393 Delta \u0394 Theta \u0398 Lambda \u039b Xi \u039e Pi \u03a0 Sigma \u03a3 Phi \u03a6 Psi \u03a8 Omega \u03a9 " +
    "times \u00d7 cdot \u00b7 div \u00f7 pm \u00b1 mp \u2213 leq \u2264 le \u2264 geq \u2265 ge \u2265 neq \u2260 ne \u2260 approx \u2248 equiv \u2261 sim \u223c propto \u221d infty \u221e " +
    "sum \u2211 prod \u220f int \u222b partial \u2202 nabla \u2207 in \u2208 notin \u2209 subset \u2282 subseteq \u2286 cup \u222a cap \u2229 emptyset \u2205 forall \u2200 exists \u2203 " +
    "to \u2192 rightarrow \u2192 leftarrow \u2190 Rightarrow \u21d2 Leftrightarrow \u21d4 mapsto \u21a6 land \u2227 lor \u2228 neg \u00ac ldots \u2026 cdots \u22ef dots \u2026 circ \u2218 degree \u00b0 prime \u2032 angle \u2220 perp \u22a5 parallel \u2225"
  )
    .split(" ")
    .reduce((pairs, word, place, all) => (place % 2 ? [...pairs, [all[place - 1], word]] : pairs), /** @type {string[][]} */ ([])),
);
const LARGE = new Set(["sum", "prod", "int"]);
const NAMES = new Set("sin cos tan log ln exp lim max min det gcd mod".split(" "));

/**
 * A formula as one element; its source where it cannot be read.
 * @param {string} tex
 * @param {boolean} block
 * @returns {any}
 */
export function formula(tex, block) {
  const made = m("math", { display: block ? "block" : "inline", title: tex.trim() });
  try {
    if (tex.length > MOST) throw new Error("long");
    const tokens = tex.match(/\\[a-zA-Z]+|\\.|[{}^_]|\d+(?:[.,]\d+)?|\s+|[\s\S]/g) ?? [];
    const reader = { tokens: tokens.filter((token) => token.trim() || token === "\\ "), at: 0, depth: 0 };
    made.append(row(reader, ""));
    if (reader.at < reader.tokens.length) throw new Error("a brace too many");
    return made;
  } catch {
    const code = document.createElement("code");
    code.textContent = tex;
    return code;
  }
}

/** @typedef {{tokens: string[], at: number, depth: number}} Reader */

/**
 * @param {string} name
 * @param {Record<string, string>} [attributes]
 * @param {...(Node | string)} children
 */
function m(name, attributes = {}, ...children) {
  const element = document.createElementNS(NAMESPACE, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/**
 * Everything up to `end`.
 * @param {Reader} reader
 * @param {string} end
 */
function row(reader, end) {
  const parts = [];
  while (reader.at < reader.tokens.length && reader.tokens[reader.at] !== end) {
    if (reader.tokens[reader.at] === "}") throw new Error("a brace too many");
    parts.push(withScripts(reader));
  }
  if (end && reader.tokens[reader.at++] !== end) throw new Error(`${end} is missing`);
  return m("mrow", {}, ...parts);
}

/**
 * One thing with what stands above and below it.
 * @param {Reader} reader
 */
function withScripts(reader) {
  const large = LARGE.has(reader.tokens[reader.at].slice(1)) || reader.tokens[reader.at] === "\\lim";
  const base = one(reader);
  /** @type {Record<string, Element>} */
  const scripts = {};
  while (["^", "_"].includes(reader.tokens[reader.at]) && !scripts[reader.tokens[reader.at]]) {
    const kind = reader.tokens[reader.at++];
    scripts[kind] = one(reader);
  }
  const { "^": up, _: down } = scripts;
  const [both, under, over] = large ? ["munderover", "munder", "mover"] : ["msubsup", "msub", "msup"];
  if (up && down) return m(both, {}, base, down, up);
  if (down) return m(under, {}, base, down);
  return up ? m(over, {}, base, up) : base;
}

/**
 * @param {Reader} reader
 * @returns {Element}
 */
function one(reader) {
  const token = reader.tokens[reader.at++];
  if (token === undefined) throw new Error("something is missing");
  if (token === "{") {
    if (++reader.depth > DEEPEST) throw new Error("deep");
    const made = row(reader, "}");
    reader.depth -= 1;
    return made;
  }
  if (token.startsWith("\\")) return command(token.slice(1), reader);
  if (/^\d/.test(token)) return m("mn", {}, token);
  if (/^\p{L}$/u.test(token)) return m("mi", {}, token);
  if (token === "^" || token === "_") throw new Error("nothing to stand on");
  return m("mo", {}, token === "-" ? "\u2212" : token);
}

/**
 * @param {string} name
 * @param {Reader} reader
 */
function command(name, reader) {
  if (["frac", "dfrac", "tfrac"].includes(name)) return m("mfrac", {}, one(reader), one(reader));
  if (name === "sqrt") {
    if (reader.tokens[reader.at] !== "[") return m("msqrt", {}, one(reader));
    reader.at += 1;
    const root = row(reader, "]");
    return m("mroot", {}, one(reader), root);
  }
  if (["text", "mathrm", "textbf", "mathbf", "operatorname"].includes(name)) return m("mtext", {}, one(reader).textContent ?? "");
  if (["left", "right"].includes(name)) {
    const sign = reader.tokens[reader.at++] ?? "";
    return m("mo", {}, sign === "." ? "" : sign.replace("\\", ""));
  }
  if (["hat", "bar", "vec", "tilde"].includes(name)) return m("mover", {}, one(reader), m("mo", {}, { hat: "^", bar: "\u00af", vec: "\u2192", tilde: "~" }[name] ?? ""));
  if ([",", ";", " ", "quad", "qquad", "!", ":"].includes(name)) return m("mspace", { width: name === "quad" ? "1em" : name === "qquad" ? "2em" : "0.2em" });
  if (["{", "}", "%", "$", "&", "#", "_"].includes(name)) return m("mo", {}, name);
  if (NAMES.has(name)) return m("mi", {}, name);
  if (SIGNS[name]) return m(/^\p{L}$/u.test(SIGNS[name]) ? "mi" : "mo", {}, SIGNS[name]);
  throw new Error(`\\${name} is not known`);
}
