// Look inside: a sentence as text, tokens, ids, what the heads look at, vectors and next-token bars; the architecture
// drawn; the documents of a run, kept and dropped.

import { get, send } from "./api.js";
import { architecture } from "./architecture.js";
import { deeper } from "./deeper.js";
import { announce, h, number, put } from "./dom.js";
import { percent, shade, visible } from "./tokens.js";

const WAIT = 250; // milliseconds after the last key or slide

/** @type {import("./app.js").Page} */
export async function inside(place, frame) {
  if (!frame.model) {
    put(place, h("section", { class: "welcome" }, h("h1", {}, "No model yet"), h("p", { class: "lead" }, "Make one first; the demo takes a few minutes."), h("a", { class: "primary", href: "#/" }, "To the start")));
    return;
  }
  const sentence = h("section", { "aria-label": "A sentence" });
  const built = h("section", { "aria-label": "Architecture", class: "report" });
  const documents = h("section", { "aria-label": "Documents", class: "report" });
  put(place, h("h1", {}, `Inside ${frame.model}`), sentence, built, documents);
  const stop = await words(sentence, frame);
  await architecture(built, frame.model).catch(() => put(built));
  await shelf(documents, frame).catch(() => put(documents)); // a model folder without a run has no documents
  return stop;
}

/**
 * @param {HTMLElement} place
 * @param {import("./app.js").Frame} frame
 */
async function words(place, frame) {
  const settings = { temperature: 1, top_p: 1 };
  const field = h("textarea", { rows: 2, maxlength: 2000, id: "sentence", "aria-label": "A sentence", oninput: later });
  field.value = "Once there was a";
  const tokens = h("div", { class: "chips", role: "list", "aria-label": "Tokens" });
  const count = h("p", { class: "why" });
  const bars = h("ol", { class: "bars", "aria-label": "Next tokens" });
  const kept = h("p", { class: "why" });
  const problem = h("p", { class: "problem", role: "alert" });
  const depths = h("div");
  const inner = deeper(depths, frame.model);
  let timer = 0;
  let turn = 0;
  put(
    place,
    h("p", { class: "lead" }, "Write something: the model sees tokens, each with a number, and gives every token of its vocabulary a probability to come next."),
    h("label", { class: "setting wide" }, h("span", {}, "Text"), field),
    h("h2", {}, "Tokens and ids"),
    tokens,
    count,
    depths,
    h(
      "div",
      { class: "next" },
      h("div", {}, h("h2", {}, "Logits and what comes next"), bars, kept),
      h(
        "div",
        { class: "side" },
        slider("Temperature", "temperature", 0, 2, 0.1, "below 1 sharpens, above 1 flattens; 0 takes the likeliest"),
        slider("Top p", "top_p", 0.05, 1, 0.05, "only the likeliest tokens up to this share may come"),
        h("p", { class: "why" }, h("i", { class: "key own" }), " the model's own probability ", h("br"), h("i", { class: "key after" }), " after temperature and top p"),
      ),
    ),
    problem,
  );

  /**
   * @param {string} label
   * @param {"temperature" | "top_p"} name
   * @param {number} min
   * @param {number} max
   * @param {number} step
   * @param {string} hint
   */
  function slider(label, name, min, max, step, hint) {
    const shown = h("output", {}, String(settings[name]));
    const input = h("input", { type: "range", min, max, step, name, "aria-label": `${label}: ${hint}` });
    input.value = String(settings[name]);
    input.addEventListener("input", () => {
      settings[name] = Number(input.value);
      shown.textContent = input.value;
      later();
    });
    return h("label", { class: "setting" }, h("span", {}, label, shown), input, h("small", {}, hint));
  }

  function later() {
    clearTimeout(timer);
    timer = setTimeout(show, WAIT);
  }

  async function show() {
    const mine = ++turn;
    try {
      const found = await send("POST", "/api/inside", { model: frame.model, text: field.value, ...settings });
      if (mine !== turn) return;
      problem.textContent = "";
      put(tokens, found.tokens.map(chip));
      const size = new TextEncoder().encode(field.value).length;
      const num = found.tokens.filter((/** @type {any} */ one) => !one.text.startsWith("<|")).length;
      count.textContent = num ? `${number(size)} bytes in ${number(num)} tokens: ${number(size / num)} bytes a token. The stronger the colour, the more a token surprised the model.` : "";
      put(bars, found.next.map(bar));
      await inner.show(field.value);
      kept.textContent = `${number(found.kept)} of ${number(found.vocabulary)} tokens may come.`;
      frame.command(`groundup show ${frame.model} --text '${field.value.replaceAll("'", "'\\''")}'`);
    } catch (error) {
      problem.textContent = /** @type {Error} */ (error).message;
    }
  }

  await show();
  return () => clearTimeout(timer);
}

/** @param {any} token */
function chip(token) {
  const probability = token.logprob === null ? null : Math.exp(token.logprob);
  const words = probability === null ? "the first token" : `probability ${number(probability)}`;
  return h("span", { class: `chip h${shade(probability)}`, role: "listitem", title: words }, h("b", {}, visible(token.text)), h("small", {}, token.id));
}

/** @param {any} one */
function bar(one) {
  const own = h("i", { class: "own" });
  const after = h("i", { class: "after" });
  own.style.width = `${one.probability * 100}%`;
  after.style.width = `${one.chosen * 100}%`;
  const label = `${one.text}: ${percent(one.probability)}, after the rules ${percent(one.chosen)}`;
  const logit = h("small", { class: "logit", title: "logit: what the output matrix says, before it becomes a share" }, one.logit.toFixed(1));
  return h("li", { class: one.chosen ? "" : "out" }, h("code", {}, visible(one.text)), logit, h("span", { class: "drawn", role: "img", "aria-label": label }, own, after), h("span", { class: "amount" }, percent(one.chosen)));
}

/**
 * @param {HTMLElement} place
 * @param {import("./app.js").Frame} frame
 */
async function shelf(place, frame) {
  const run = encodeURIComponent(frame.model);
  let kind = "documents";
  let page = 1;
  let reason = "";
  const list = h("ol", { class: "documents" });
  const total = h("p", { class: "why", role: "status" });
  const search = h("input", { type: "search", placeholder: "words in the text", "aria-label": "Words in the text", onchange: () => go(1) });
  const reasons = h("select", { "aria-label": "Reason", onchange: () => ((reason = reasons.value), go(1)) });
  const buttons = [choice("Kept", "documents"), choice("Dropped", "dropped")];
  const before = h("button", { type: "button", class: "secondary", onclick: () => go(page - 1) }, "Before");
  const after = h("button", { type: "button", class: "secondary", onclick: () => go(page + 1) }, "More");

  /**
   * @param {string} label
   * @param {string} value
   */
  function choice(label, value) {
    return h("button", { type: "button", class: "secondary", "aria-pressed": String(value === kind), onclick: () => ((kind = value), go(1)) }, label);
  }

  /** @param {number} wanted */
  async function go(wanted) {
    page = wanted;
    buttons.forEach((button, index) => button.setAttribute("aria-pressed", String((index === 0) === (kind === "documents"))));
    search.hidden = kind !== "documents";
    reasons.hidden = kind !== "dropped";
    const more = kind === "documents" ? `words=${encodeURIComponent(search.value)}` : `reason=${encodeURIComponent(reason)}`;
    const found = await get(`/api/runs/${run}/${kind}?page=${page}&${more}`);
    if (found.reasons) {
      const options = found.reasons.map((/** @type {any} */ one) => h("option", { value: `${one.step}/${one.reason}` }, `${one.step}: ${one.reason.replaceAll("_", " ")} (${number(one.count)})`));
      put(reasons, h("option", { value: "" }, "every reason"), options);
      reasons.value = reason;
      frame.command(`groundup show ${frame.model} --dropped${reason ? ` ${reason.split("/")[1]}` : ""}`);
    }
    total.textContent = kind === "documents" ? `${number(found.total)} documents were kept.` : `${number(found.total)} documents were dropped; nothing vanishes silently.`;
    put(list, found.documents.map(row), !found.documents.length && h("li", { class: "why" }, "None."));
    before.hidden = page === 1;
    after.hidden = !found.more;
    announce(`Page ${page}`);
  }

  put(place, h("h2", {}, "Its documents"), h("div", { class: "filters" }, buttons, search, reasons), total, list, h("div", { class: "filters" }, before, after));
  await go(1);
}

/** @param {any} document */
function row(document) {
  return h(
    "li",
    {},
    h("p", { class: "origin" }, h("b", {}, document.source), ` ${document.path}`, document.licence && ` · ${document.licence}`, document.language && ` · ${document.language}`),
    document.reason && h("p", { class: "reason" }, h("b", {}, `${document.step}: ${document.reason.replaceAll("_", " ")}`), document.detail && ` ${document.detail}`),
    h("p", { class: "excerpt" }, document.text, document.characters > document.text.length && ` ... (${number(document.characters)} characters)`),
  );
}
