// Trust: the scores with their intervals, examples won and lost, what the audit found, whether the gate lets the model
// out (and the waiver that opens it), its card.

import { get, send } from "./api.js";
import { h, number, put } from "./dom.js";
import { markdown } from "./markdown.js";

/** @type {import("./app.js").Page} */
export async function trust(place, frame) {
  if (!frame.model) {
    put(place, h("section", { class: "welcome" }, h("h1", {}, "No model yet"), h("p", { class: "lead" }, "Scores and findings come with a run."), h("a", { class: "primary", href: "#/" }, "To the start")));
    return;
  }
  frame.command(`groundup show ${frame.model}`);
  const found = await get(`/api/runs/${encodeURIComponent(frame.model)}/trust`);
  put(
    place,
    h("div", { class: "hero" }, h("h1", {}, `May ${frame.model} be trusted?`), h("a", { class: "secondary", href: `#/run/${encodeURIComponent(frame.model)}` }, "The whole run")),
    gate(found.gate),
    release(frame.model, found),
    scores(found.scores),
    examples(frame.model, found.marks),
    findings(found.findings),
    found.card && h("section", { class: "card-section" }, h("h2", {}, "The card"), h("div", { class: "markdown" }, markdown(found.card.replace(/^---\n[\s\S]*?\n---\n/, "")))),
  );
}

/** @param {any} value */
function gate(value) {
  if (!value) return h("p", { class: "gate" }, h("b", {}, "Not audited. "), "Nothing was checked yet; the run's audit stage does it.");
  const limits = Object.keys(value.limits ?? {}).length;
  const broken = value.broken ?? [];
  const words = value.passed
    ? limits ? `All ${number(limits)} limits are kept: the model may be released.` : "No limit was set, so none is broken: read the findings."
    : `A release needs a written waiver. Broken: ${broken.join(", ").replaceAll("_", " ")}.`;
  return h("p", { class: "gate" }, h("b", { class: value.passed ? "good" : "bad" }, value.passed ? "Gate open. " : "Gate closed. "), words, value.waiver && ` Waiver: ${value.waiver}`);
}

/**
 * The way out: open where the gate is; else each broken limit asks for its reason, which stands in the card.
 * @param {string} name
 * @param {any} found
 */
function release(name, found) {
  if (!found.gate) return null;
  const broken = found.gate.broken ?? [];
  const reasons = broken.map((/** @type {string} */ limit) => [limit, h("textarea", { rows: 2, maxlength: 500, required: true, placeholder: "Who accepts this, and why" })]);
  const problem = h("p", { class: "problem", role: "alert" });
  const button = h("button", { type: "submit", class: broken.length ? "secondary" : "primary" }, broken.length ? "Release with this waiver" : found.released ? "Release again" : "Release");
  return h(
    "details",
    { class: "release", open: !found.released && !broken.length },
    h("summary", {}, found.released ? "It is released; make the release anew" : broken.length ? "Release it all the same, with a written waiver" : "Release it"),
    h(
      "form",
      { class: "stack", onsubmit: go },
      h("p", { class: "why" }, "The model's folder with its card, ready to be given away. A waiver is written into the card."),
      reasons.map(([limit, text]) => h("label", { class: "field" }, h("span", {}, found.gate.reasons?.[/** @type {string} */ (limit)] ?? limit), text)),
      button,
      problem,
    ),
  );

  /** @param {Event} event */
  async function go(event) {
    event.preventDefault();
    button.disabled = true;
    try {
      const given = Object.fromEntries(reasons.map(([limit, text]) => [limit, /** @type {any} */ (text).value]));
      const { id } = await send("POST", `/api/runs/${encodeURIComponent(name)}/release`, { reasons: given });
      location.hash = `#/run/${encodeURIComponent(id)}`;
    } catch (error) {
      problem.textContent = /** @type {Error} */ (error).message;
      button.disabled = false;
    }
  }
}

/**
 * Single answers of a task, the good ones and the bad ones, as they were given.
 * @param {string} name
 * @param {Record<string, string[]>} marks  of each task, those that say won or lost
 */
function examples(name, marks) {
  const choices = Object.entries(marks).flatMap(([task, names]) => names.map((mark) => ({ task, mark })));
  if (!choices.length) return null;
  let [kind, page, chosen, begun] = ["lost", 1, choices[0], false];
  const list = h("ol", { class: "documents" });
  const task = h("select", { "aria-label": "Task", onchange: () => ((chosen = choices[Number(task.value)]), go(1)) }, choices.map((one, at) => h("option", { value: at }, `${one.task.replaceAll("_", " ")}: ${one.mark.replaceAll("_", " ")}`)));
  const buttons = ["lost", "won"].map((one) => h("button", { type: "button", class: "secondary", "aria-pressed": String(one === kind), onclick: () => ((kind = one), go(1)) }, one));
  const before = h("button", { type: "button", class: "secondary", onclick: () => go(page - 1) }, "Before");
  const after = h("button", { type: "button", class: "secondary", onclick: () => go(page + 1) }, "More");
  go(1);
  return h("section", {}, h("h2", {}, "Examples won and lost"), h("div", { class: "filters" }, task, buttons), list, h("div", { class: "filters" }, before, after));

  /** @param {number} wanted */
  async function go(wanted) {
    page = wanted;
    const found = await get(`/api/runs/${encodeURIComponent(name)}/items?task=${encodeURIComponent(chosen.task)}&mark=${encodeURIComponent(chosen.mark)}&kind=${kind}&page=${page}`).catch(() => null);
    if (!found) return put(list);
    if (!begun && kind === "lost" && !found.counts.lost && found.counts.won) {
      [begun, kind] = [true, "won"];
      return go(1);
    }
    begun = true;
    buttons.forEach((button, at) => {
      const one = ["lost", "won"][at];
      button.setAttribute("aria-pressed", String(one === kind));
      button.textContent = `${one} ${number(found.counts[one])}`;
    });
    put(list, found.items.map(item), !found.items.length && h("li", { class: "why" }, "None."));
    before.hidden = page === 1;
    after.hidden = !found.more;
  }
}

/** @param {any} one */
function item(one) {
  const prompt = one.prompt.replaceAll(/<\|(\w+)\|>/g, (/** @type {string} */ _, /** @type {string} */ name) => (name === "endoftext" || name === "end" ? "\n" : name === "assistant" ? "" : `${name}: `)).trim();
  return h("li", {}, h("p", { class: "excerpt" }, prompt), h("dl", { class: "facts" }, h("dt", {}, "said"), h("dd", {}, one.answer || "(nothing)"), h("dt", {}, "right"), h("dd", {}, one.gold), h("dt", {}, "mark"), h("dd", {}, number(one.mark))));
}

/** @param {any[]} all */
function scores(all) {
  if (!all.length) return h("section", {}, h("h2", {}, "Scores"), h("p", { class: "why" }, "Not evaluated yet."));
  return h(
    "section",
    {},
    h("h2", {}, "Scores"),
    h("p", { class: "why" }, "Measured on documents the model never saw. The line is the 95 % interval, the bar the best simple rival, the dots chance."),
    h("ul", { class: "score-list" }, all.map((score) => h("li", {}, row(score)))),
  );
}

/** @param {any} score */
function row(score) {
  const values = [score.low, score.value, score.high, score.baseline, score.chance].filter((value) => value !== null);
  const isShare = score.higher_is_better && values.every((value) => value >= 0 && value <= 1);
  const [bottom, top] = isShare ? [0, 1] : [Math.min(0, ...values), Math.max(...values) * 1.05 || 1];
  const at = (/** @type {number} */ value) => `${(100 * (value - bottom)) / (top - bottom)}%`;
  const line = h("i", { class: "range" });
  line.style.left = at(score.low);
  line.style.width = `${(100 * (score.high - score.low)) / (top - bottom)}%`;
  const point = (/** @type {string} */ kind, /** @type {number | null} */ value) => {
    if (value === null) return null;
    const mark = h("i", { class: kind });
    mark.style.left = at(value);
    return mark;
  };
  const notes = [
    score.baseline !== null && `${score.baseline_name || "baseline"} ${number(score.baseline)}`,
    score.chance !== null && `chance ${number(score.chance)}`,
    `${number(score.n)} items`,
    !score.higher_is_better && "lower is better",
  ].filter(Boolean);
  const verdict = judged(score);
  const label = `${number(score.value)}, interval ${number(score.low)} to ${number(score.high)}`;
  return [
    h("div", { class: "name" }, h("b", {}, score.task.replaceAll("_", " "), score.source && ` (${score.source})`), h("small", {}, score.metric.replaceAll("_", " "))),
    h("div", { class: "interval", role: "img", "aria-label": label }, line, point("chance", score.chance), point("rival", score.baseline), point("dot", score.value)),
    h("div", { class: "amount" }, h("b", {}, number(score.value)), h("small", {}, `${number(score.low)} to ${number(score.high)}`)),
    h("p", { class: "why" }, verdict && h("b", {}, verdict), notes.join(", ")),
  ];
}

/** @param {any} score */
function judged(score) {
  if (score.at_chance) return "At chance. ";
  if (score.baseline === null) return "";
  const sign = score.higher_is_better ? 1 : -1;
  const [worst, best] = sign > 0 ? [score.low, score.high] : [-score.high, -score.low];
  if (best < sign * score.baseline) return "Below the simple rival. ";
  return worst <= sign * score.baseline ? "Not clearly above the simple rival. " : "";
}

/** @param {any[]} all */
function findings(all) {
  return h(
    "section",
    {},
    h("h2", {}, "Findings"),
    all.length
      ? h(
          "ul",
          { class: "findings" },
          all.map((one) =>
            h(
              "li",
              {},
              h("div", {}, h("b", {}, one.name.replaceAll("_", " ")), one.passed === null || one.passed === undefined ? null : h("b", { class: one.passed ? "good" : "bad" }, one.passed ? "within its limit" : "breaks its limit")),
              h("p", {}, one.summary ?? one.measure ?? ""),
              one.value !== null && h("p", { class: "why" }, `${number(one.value)}${one.low === null || one.low === undefined ? "" : ` (${number(one.low)} to ${number(one.high)})`}${one.limit === null || one.limit === undefined ? "" : `, limit ${number(one.limit)}`}`),
              one.advice && h("p", { class: "why" }, one.advice),
            ),
          ),
        )
      : h("p", { class: "why" }, "None yet."),
  );
}
