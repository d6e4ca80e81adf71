// The architecture drawn: the way of a token from its number to the next one's, every part with its shape and its share of
// the parameters, read from the model's own files.

import { get } from "./api.js";
import { h, number, put } from "./dom.js";

const LAYER = /(?:^|\.)(?:layers|h|blocks|block|layer)\.(\d+)\./;

/**
 * @param {HTMLElement} place
 * @param {string} model
 */
export async function architecture(place, model) {
  const { config, tensors } = await get(`/api/models/${encodeURIComponent(model)}/architecture`);
  const total = tensors.reduce((/** @type {number} */ sum, /** @type {any} */ one) => sum + size(one), 0);
  const layers = [...new Set(tensors.flatMap((/** @type {any} */ one) => LAYER.exec(one.name)?.[1] ?? []))];
  const inLayer = (/** @type {any} */ one) => LAYER.exec(one.name)?.[1] === layers[0];
  const first = tensors.find((/** @type {any} */ one) => inLayer(one));
  const beforeLayers = tensors.filter((/** @type {any} */ one) => !LAYER.test(one.name) && /embed|wte|wpe/.test(one.name));
  const afterLayers = tensors.filter((/** @type {any} */ one) => !LAYER.test(one.name) && !beforeLayers.includes(one));
  const repeated = tensors.filter(inLayer);
  const attention = repeated.filter((/** @type {any} */ one) => /attn|attention/.test(one.name) && !/layernorm|ln_/.test(one.name));
  const rest = repeated.filter((/** @type {any} */ one) => !attention.includes(one));
  const forward = rest.filter((/** @type {any} */ one) => /mlp|ffn|feed_forward|intermediate|output|experts/.test(one.name));
  const norms = rest.filter((/** @type {any} */ one) => !forward.includes(one));
  const tied = config.tie_word_embeddings && !tensors.some((/** @type {any} */ one) => /lm_head|output/.test(one.name) && !LAYER.test(one.name));
  put(
    place,
    h("h2", {}, "How it is built"),
    h("p", { class: "why" }, `${config.model_type ?? ""}: ${number(total)} parameters${first ? `, ${layers.length} layers` : ""}. A text goes from the top to the bottom.`),
    h(
      "ol",
      { class: "built" },
      h("li", {}, box("Token numbers", [], total)),
      h("li", {}, box("Embedding", beforeLayers, total)),
      h("li", { class: "stack" }, h("b", {}, `${layers.length} times`), h("ol", {}, h("li", {}, box("Attention", attention, total, layers.length)), h("li", {}, box("Feed-forward", forward, total, layers.length)), norms.length > 0 && h("li", {}, box("Norms", norms, total, layers.length)))),
      h("li", {}, box(tied ? "Norm, then the embedding again as output" : "Norm and output", afterLayers, total)),
      h("li", {}, box("A probability for every token", [], total)),
    ),
  );
}

/**
 * @param {string} title
 * @param {any[]} tensors
 * @param {number} total
 * @param {number} [times]
 */
function box(title, tensors, total, times = 1) {
  const count = times * tensors.reduce((sum, one) => sum + size(one), 0);
  const share = h("i");
  share.style.width = `${(100 * count) / Math.max(1, total)}%`;
  return h(
    "div",
    { class: "box" },
    h("p", {}, h("b", {}, title), count > 0 && h("small", {}, `${number(count)} parameters, ${((100 * count) / total).toFixed(0)} %`)),
    count > 0 && h("span", { class: "share", "aria-hidden": "true" }, share),
    tensors.length > 0 && h("ul", {}, tensors.map((one) => h("li", {}, h("code", {}, short(one.name)), h("small", {}, one.shape.join(" x "))))),
  );
}

/** @param {any} tensor */
function size(tensor) {
  return tensor.shape.reduce((/** @type {number} */ product, /** @type {number} */ one) => product * one, 1);
}

/**
 * A tensor's name without what all share.
 * @param {string} name
 */
function short(name) {
  return name.replace(/^.*?(?:layers|h|blocks|block|layer)\.\d+\./, "").replace(/^(?:model|transformer)\./, "").replace(/\.weight$/, "");
}
