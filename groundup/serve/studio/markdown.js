// Markdown as elements: headings, lists, tables, code, emphasis, links, formulas. Built from text nodes only, so that nothing a
// model or a card says can become markup; a link is kept only where it leads to http(s), and is never fetched.

import { h } from "./dom.js";
import { formula } from "./math.js";

// A dollar sign begins a formula only where no space follows and none stands before the closing one: prices stay prices.
const INLINE = /(`[^`]+`)|(\\\(.+?\\\)|\$[^\s$](?:[^$\n]*[^\s$])?\$(?!\d))|(\*\*[^*]+\*\*)|(\*[^*\s][^*]*\*)|(\[[^\]]*\]\([^)\s]+\))/;
const MOST = 20000; // characters rendered; the rest stays plain text

/**
 * @param {string} text
 * @returns {(HTMLElement | string)[]}
 */
export function markdown(text) {
  const lines = text.slice(0, MOST).split("\n");
  const made = [];
  let at = 0;
  while (at < lines.length) {
    const line = lines[at];
    const heading = /^(#{1,4})\s+(.*)/.exec(line);
    if (/^\s*```/.test(line)) {
      const end = lines.findIndex((other, index) => index > at && /^\s*```/.test(other));
      const last = end < 0 ? lines.length : end;
      made.push(h("pre", { tabindex: 0 }, h("code", {}, lines.slice(at + 1, last).join("\n"))));
      at = last + 1;
    } else if (/^\s*(\$\$|\\\[)/.test(line)) {
      const [open, close] = /^\s*\$\$/.test(line) ? ["$$", "$$"] : ["\\[", "\\]"];
      const rest = lines.slice(at).join("\n").trimStart().slice(open.length);
      const end = rest.indexOf(close);
      if (end < 0) {
        made.push(h("p", {}, line));
        at += 1;
        continue;
      }
      made.push(h("div", { class: "scroll", tabindex: 0 }, formula(rest.slice(0, end), true)));
      at += rest.slice(0, end + close.length).split("\n").length;
    } else if (heading) {
      made.push(h(`h${Math.min(6, heading[1].length + 2)}`, {}, inline(heading[2])));
      at += 1;
    } else if (/^\s*([-*]|\d+[.)])\s+/.test(line)) {
      const items = [];
      const name = /^\s*\d/.test(line) ? "ol" : "ul";
      while (at < lines.length && /^\s*([-*]|\d+[.)])\s+/.test(lines[at])) items.push(h("li", {}, inline(lines[at++].replace(/^\s*([-*]|\d+[.)])\s+/, ""))));
      made.push(h(name, {}, items));
    } else if (line.startsWith("|") && /^\|[\s:|-]+\|\s*$/.test(lines[at + 1] ?? "")) {
      const rows = [];
      while (at < lines.length && lines[at].startsWith("|")) rows.push(lines[at++].replace(/^\||\|\s*$/g, "").split("|"));
      made.push(table(rows));
    } else if (!line.trim()) {
      at += 1;
    } else {
      const part = [];
      while (at < lines.length && lines[at].trim() && !/^(#{1,4}\s|\s*```|\s*\$\$|\s*\\\[|\||\s*([-*]|\d+[.)])\s)/.test(lines[at])) part.push(lines[at++]);
      if (!part.length) part.push(lines[at++]); // a lone bar
      made.push(h("p", {}, inline(part.join("\n"))));
    }
  }
  if (text.length > MOST) made.push(h("p", {}, text.slice(MOST)));
  return made;
}

/** @param {string[][]} rows */
function table(rows) {
  const [head, , ...body] = rows;
  return h(
    "div",
    { class: "scroll", tabindex: 0 },
    h("table", {}, h("thead", {}, h("tr", {}, head.map((cell) => h("th", {}, inline(cell.trim()))))), h("tbody", {}, body.map((row) => h("tr", {}, row.map((cell) => h("td", {}, inline(cell.trim()))))))),
  );
}

/**
 * @param {string} text
 * @returns {(HTMLElement | string)[]}
 */
function inline(text) {
  const made = [];
  let rest = text;
  for (let found = INLINE.exec(rest); found; found = INLINE.exec(rest)) {
    made.push(rest.slice(0, found.index));
    const piece = found[0];
    if (found[1]) made.push(h("code", {}, piece.slice(1, -1)));
    else if (found[2]) made.push(formula(piece.startsWith("$") ? piece.slice(1, -1) : piece.slice(2, -2), false));
    else if (found[3]) made.push(h("strong", {}, piece.slice(2, -2)));
    else if (found[4]) made.push(h("em", {}, piece.slice(1, -1)));
    else made.push(link(piece));
    rest = rest.slice(found.index + piece.length);
  }
  made.push(rest);
  return made;
}

/** @param {string} piece */
function link(piece) {
  const [, words, address] = /** @type {RegExpExecArray} */ (/^\[([^\]]*)\]\(([^)\s]+)\)$/.exec(piece));
  if (!/^https?:\/\//i.test(address)) return piece;
  return h("a", { href: address, rel: "noopener noreferrer", target: "_blank" }, words || address);
}
