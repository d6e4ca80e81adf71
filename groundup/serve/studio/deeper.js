// Attention by head and layer, and one token's vectors from layer to layer.

import { send } from "./api.js";
import { h, number, put } from "./dom.js";
import { percent, visible } from "./tokens.js";

const CELL = 12; // pixels of a square of a head's picture, before the browser scales it
const NAMED = 5; // tokens that are named beside a picture

/**
 * @param {HTMLElement} place
 * @param {string} model
 */
export function deeper(place, model) {
  let [layer, token, head, text] = [0, -1, 0, ""];
  let turn = 0;

  return { show };

  /** @param {string} wanted */
  async function show(wanted) {
    if (wanted !== text) token = -1; // places mean something else in another text
    text = wanted;
    await draw();
  }

  async function draw() {
    const mine = ++turn;
    const found = await send("POST", "/api/inside/deeper", { model, text, layer, place: token });
    if (mine !== turn) return;
    layer = Math.min(layer, found.layers - 1);
    head = Math.min(head, Math.max(0, found.heads - 1));
    const held = document.activeElement?.getAttribute("data-held");
    put(place, chooseToken(found), vectors(found), found.attention && heads(found));
    /** @type {HTMLElement | null} */ (held ? place.querySelector(`[data-held="${held}"]`) : null)?.focus({ preventScroll: true });
  }

  /** @param {any} found */
  function chooseToken(found) {
    const chips = found.tokens.map((/** @type {string} */ word, /** @type {number} */ at) =>
      h("button", { type: "button", class: "chip", "data-held": `token${at}`, "aria-pressed": String(at === found.place), onclick: () => ((token = at), draw()) }, h("b", {}, visible(word))),
    );
    return [h("h2", {}, "Follow one token"), h("div", { class: "chips", role: "group", "aria-label": "Token to look at" }, chips)];
  }

  /** @param {any} found */
  function heads(found) {
    const shown = h("output", {}, `${layer + 1} of ${found.layers}`);
    const slider = h("input", { type: "range", min: 1, max: found.layers, step: 1, "data-held": "layer", "aria-label": "Layer", onchange: () => ((layer = Number(slider.value) - 1), draw()) });
    slider.value = String(layer + 1);
    const pictures = found.attention.map((/** @type {number[][]} */ weights, /** @type {number} */ one) =>
      h("button", { type: "button", class: "head", "data-held": `head${one}`, "aria-pressed": String(one === head), onclick: () => ((head = one), draw()) }, picture(weights, found.place), h("small", {}, `head ${one + 1}`)),
    );
    const row = found.attention[head][found.place];
    const looked = row.map((/** @type {number} */ weight, /** @type {number} */ at) => ({ weight, at })).sort((/** @type {any} */ x, /** @type {any} */ y) => y.weight - x.weight).slice(0, NAMED);
    const bars = looked.map((/** @type {any} */ one) => {
      const bar = h("i", { class: "after" });
      bar.style.width = `${one.weight * 100}%`;
      return h("li", {}, h("code", {}, visible(found.tokens[one.at])), h("span", { class: "drawn", role: "img", "aria-label": percent(one.weight) }, bar), h("span", { class: "amount" }, percent(one.weight)));
    });
    return [
      h("h2", {}, "Attention"),
      h("p", { class: "why" }, "A row is a token, a column one before it: the darker, the more of it the head takes in. Of up to 48 tokens."),
      h("label", { class: "setting layer" }, h("span", {}, "Layer", shown), slider),
      h("div", { class: "next" }, h("div", { class: "heads" }, pictures), h("div", { class: "side" }, h("p", {}, `Head ${head + 1}: `, h("code", {}, visible(found.tokens[found.place])), " looks at"), h("ol", { class: "bars narrow" }, bars))),
    ];
  }

  /** @param {any} found */
  function vectors(found) {
    const rows = found.vectors.map((/** @type {number[]} */ vector, /** @type {number} */ at) =>
      h("li", {}, h("span", { class: "name" }, at ? `after layer ${at}` : "embedded"), strip(vector), h("span", { class: "words" }, found.lens[at].map((/** @type {any} */ word) => h("span", { class: "lens" }, visible(word.text), h("small", {}, ` ${percent(word.probability)}`))))),
    );
    return [
      h("h2", {}, "Its vector, layer by layer"),
      h("p", { class: "why" }, `${number(found.vectors[0].length)} numbers: one colour above zero, the other below. At the right, the words it already stands for (logit lens).`),
      h("ol", { class: "vectors" }, rows),
    ];
  }
}

/** A colour of the page as [r, g, b]. @param {string} name */
function colour(name) {
  const probe = document.createElement("canvas").getContext("2d");
  if (!probe) return [0, 0, 0];
  probe.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  probe.fillRect(0, 0, 1, 1);
  return [...probe.getImageData(0, 0, 1, 1).data].slice(0, 3);
}

/**
 * A head's weights as squares; the chosen token's row is framed.
 * @param {number[][]} weights
 * @param {number} chosen
 */
function picture(weights, chosen) {
  const size = weights.length * CELL;
  const canvas = h("canvas", { width: size, height: size, "aria-hidden": "true" });
  const pen = canvas.getContext("2d");
  const [r, g, b] = colour("--accent");
  weights.forEach((row, t) =>
    row.slice(0, t + 1).forEach((weight, s) => {
      pen.fillStyle = `rgba(${r}, ${g}, ${b}, ${0.04 + 0.96 * weight})`;
      pen.fillRect(s * CELL, t * CELL, CELL - 1, CELL - 1);
    }),
  );
  const [x, y, z] = colour("--heat");
  pen.strokeStyle = `rgb(${x}, ${y}, ${z})`;
  pen.lineWidth = 2;
  pen.strokeRect(1, chosen * CELL, (chosen + 1) * CELL - 2, CELL - 1);
  return canvas;
}

/**
 * A vector as a strip of colours.
 * @param {number[]} vector
 */
function strip(vector) {
  const most = Math.max(...vector.map(Math.abs), 1e-9);
  const canvas = h("canvas", { width: vector.length, height: 1, role: "img", "aria-label": `${vector.length} numbers, the largest ${number(most)}` });
  const pen = canvas.getContext("2d");
  const [up, down] = [colour("--accent"), colour("--heat")];
  vector.forEach((value, at) => {
    const [r, g, b] = value > 0 ? up : down;
    pen.fillStyle = `rgba(${r}, ${g}, ${b}, ${Math.sqrt(Math.abs(value) / most)})`;
    pen.fillRect(at, 0, 1, 1);
  });
  return canvas;
}
