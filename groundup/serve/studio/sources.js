// Where an answer's words stand in the training text: marks in the answer, documents beside it.

import { h } from "./dom.js";

/** @typedef {{text: string, start: number, end: number, count: number, documents: any[]}} Span */

/**
 * The text with its spans as marks that can be clicked and reached by keyboard.
 * Offsets count characters as Python does, so the text is taken apart by code points.
 * @param {string} text
 * @param {Span[]} spans
 * @param {(index: number) => void} onChoose
 */
export function withSpans(text, spans, onChoose) {
  const characters = Array.from(text);
  const parts = [];
  let place = 0;
  spans.forEach((span, index) => {
    parts.push(characters.slice(place, span.start).join(""));
    const choose = () => onChoose(index);
    const keys = (/** @type {KeyboardEvent} */ event) => {
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        choose();
      }
    };
    const words = characters.slice(span.start, span.end).join("");
    parts.push(h("mark", { tabindex: 0, role: "button", onclick: choose, onkeydown: keys }, words));
    place = span.end;
  });
  parts.push(characters.slice(place).join(""));
  return parts;
}

/**
 * The panel of one span: how often it stands in the training text, and in which documents.
 * @param {Span[]} spans
 * @param {number} chosen
 * @param {() => void} onClose
 */
export function sourcesPanel(spans, chosen, onClose) {
  const close = h("button", { type: "button", class: "quiet", onclick: onClose }, "Close");
  const head = h("div", { class: "panel-head" }, h("h2", {}, "Where from"), close);
  const span = spans[chosen];
  if (!span) return [head, h("p", { class: "why" }, "No longer stretch of this answer stands word for word in the training text.")];
  const times = span.count === 1 ? "once" : `${span.count.toLocaleString("en")} times`;
  return [
    head,
    h("blockquote", {}, span.text.trim()),
    h("p", { class: "why" }, `stands ${times} in the training text${span.count > span.documents.length ? "; the first documents:" : ":"}`),
    h("ol", { class: "documents" }, span.documents.map((document) => h("li", {}, source(document)))),
    spans.length > 1 && h("p", { class: "why" }, `${chosen + 1} of ${spans.length} stretches; click another one in the answer.`),
  ];
}

/** @param {any} document */
function source(document) {
  const characters = Array.from(/** @type {string} */ (document.excerpt));
  const cut = (/** @type {number} */ from, /** @type {number} */ to) => characters.slice(from, to).join("");
  return [
    h("p", { class: "origin" }, h("b", {}, document.source), ` ${document.path}`, document.licence && h("small", {}, document.licence)),
    h("p", { class: "excerpt" }, cut(0, document.start), h("mark", {}, cut(document.start, document.end)), cut(document.end, characters.length)),
  ];
}
