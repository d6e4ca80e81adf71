// Two runs beside each other: their curves in one picture, and of every score whether the difference is real.

import { get } from "./api.js";
import { drawSeveral } from "./chart.js";
import { clock, h, number, put } from "./dom.js";

/** @type {import("./app.js").Page} */
export async function compare(place, frame, names) {
  const [a, b] = names.split("/");
  if (!b) throw new Error("Two runs are needed.");
  frame.command(`groundup compare ${a} ${b}`);
  const found = await get(`/api/compare?a=${encodeURIComponent(a)}&b=${encodeURIComponent(b)}`);
  const loss = h("figure", { class: "chart" });
  const bits = h("figure", { class: "chart small" });
  put(
    place,
    h("div", { class: "hero" }, h("h1", {}, `${a} and ${b}`), h("div", { class: "actions" }, [a, b].map((name) => h("a", { class: "secondary", href: `#/run/${encodeURIComponent(name)}` }, name)))),
    h("section", {}, h("h2", {}, "Scores"), found.rows.length ? table(found.rows, a, b) : untested(found)),
    h("section", { class: "report" }, h("h2", {}, "Curves"), loss, bits),
    h("section", { class: "report" }, h("h2", {}, "Size and time"), h("div", { class: "scroll", tabindex: 0 }, h("table", {}, h("thead", {}, h("tr", {}, ["run", "parameters", "layers", "time"].map((name) => h("th", { scope: "col" }, name)))), h("tbody", {}, found.runs.map(size))))),
  );
  const series = (/** @type {string} */ key) => found.runs.map((/** @type {any} */ run) => ({ name: run.id, points: run[key] }));
  drawSeveral(loss, { title: "Training loss", unit: "nats per token", series: series("losses"), smooth: true });
  drawSeveral(bits, { title: "Held-out text", unit: "bits per byte", series: series("bits"), smooth: false });
}

/** @param {any} run */
function size(run) {
  return h("tr", {}, h("th", { scope: "row" }, run.id), h("td", {}, run.plan.parameters ? number(run.plan.parameters) : "-"), h("td", {}, String(run.plan.model?.depth ?? "-")), h("td", {}, clock(run.seconds)));
}

/**
 * The scores of both as they are, where no test can compare them.
 * @param {any} found
 */
function untested(found) {
  const names = [...new Set(found.runs.flatMap((/** @type {any} */ run) => Object.keys(run.scores)))];
  const cell = (/** @type {any} */ score) => h("td", {}, score ? `${number(score.value)} (${number(score.low)} to ${number(score.high)})` : "-");
  return [
    names.length > 0 && h("div", { class: "scroll", tabindex: 0 }, h("table", { class: "numbers" }, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "task"), found.runs.map((/** @type {any} */ run) => h("th", { scope: "col" }, run.id)))), h("tbody", {}, names.map((name) => h("tr", {}, h("th", { scope: "row" }, name.replaceAll("_", " ")), found.runs.map((/** @type {any} */ run) => cell(run.scores[name]))))))),
    h("p", { class: "why" }, `Not tested against each other: ${found.problem}`),
  ];
}

/**
 * @param {any[]} rows
 * @param {string} a
 * @param {string} b
 */
function table(rows, a, b) {
  const head = ["task", "metric", a, b, "difference", "95 % interval", "p", ""];
  const body = rows.map((row) => {
    const better = row.p < 0.05 && (row.difference > 0) === row.higher_is_better;
    const cells = [row.task.replaceAll("_", " "), row.metric.replaceAll("_", " "), number(row.a), number(row.b), signed(row.difference), `${signed(row.low)} to ${signed(row.high)}`, row.p < 0.001 ? "< 0.001" : row.p.toFixed(3)];
    return h("tr", {}, cells.map((cell, place) => h(place ? "td" : "th", { scope: place ? null : "row" }, cell)), h("td", {}, h("b", { class: row.p < 0.05 ? (better ? "good" : "bad") : "" }, row.p < 0.05 ? `${better ? b : a} is better` : "no evidence of a difference")));
  });
  return [
    h("div", { class: "scroll", tabindex: 0 }, h("table", { class: "numbers" }, h("thead", {}, h("tr", {}, head.map((name) => h("th", { scope: "col" }, name)))), h("tbody", {}, body))),
    h("p", { class: "why" }, `Paired tests over the same items; p is adjusted for the number of lines (Holm). Difference: ${b} less ${a}.`),
  ];
}

/** @param {number} value */
function signed(value) {
  return `${value > 0 ? "+" : ""}${number(value)}`;
}
