// The data funnel of a run: documents read, what each cleaning step took out and why, what is left to learn from.

import { h, number } from "./dom.js";

/** @param {any[]} stages  of /api/runs/NAME, with the counts of those that are made */
export function funnel(stages) {
  const counts = (/** @type {string} */ name) => stages.find((stage) => stage.name === name)?.counts;
  const [collected, clean, tokens] = ["collect", "clean", "tokenizer"].map(counts);
  if (!collected?.documents) return null;
  const most = Math.max(collected.documents, 1);
  const rows = [row("read", collected.documents, most, "", words(collected.bytes))];
  for (const [step, reasons] of Object.entries(clean?.dropped_by_step ?? {})) {
    const taken = Object.entries(/** @type {Record<string, number>} */ (reasons));
    const sum = taken.reduce((all, [, count]) => all + count, 0);
    if (sum) rows.push(row(`- ${step}`, sum, most, "out", taken.map(([reason, count]) => `${reason.replaceAll("_", " ").replace(".", ": ")} ${number(count)}`).join(", ")));
  }
  if (clean) rows.push(row("kept", clean.documents, most, "kept", words(clean.bytes)));
  const learned = tokens?.tokens?.train;
  return [h("figcaption", {}, h("b", {}, "Data"), learned && h("span", {}, `${number(learned)} tokens to learn from`)), h("ul", {}, rows)];
}

/**
 * @param {string} name
 * @param {number} count
 * @param {number} most
 * @param {string} kind
 * @param {string} more
 */
function row(name, count, most, kind, more) {
  const bar = h("i", { class: kind });
  bar.style.width = `${Math.max(0.5, (100 * count) / most)}%`;
  return h("li", {}, h("span", { class: "name" }, name), h("span", { class: "drawn" }, bar), h("span", { class: "amount" }, number(count)), h("small", {}, more));
}

/** @param {number | undefined} bytes */
function words(bytes) {
  return bytes ? `${number(bytes / 1e6)} MB` : "";
}
