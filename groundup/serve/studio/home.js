// Home: my runs and models, or the first step when there are none.

import { send } from "./api.js";
import { h, number, put, when } from "./dom.js";

export const STATES = { running: "running", paused: "paused", done: "ready", stopped: "stopped", empty: "not begun", failed: "ended with an error" };
const APPS = [
  ["search", "Search", "answers with the lines they stand in"],
  ["support", "Customer service", "orders looked up, or a person called"],
  ["tutor", "Tutor", "hints first, then the steps"],
  ["writing", "Writing", "each change to take or leave"],
  ["health", "Health", "forms filled from notes, with sources"],
];
const REFRESH = 5000; // milliseconds; the live page has the stream, this list only a glance

/** @type {import("./app.js").Page} */
export async function home(place, frame) {
  let shown = "";
  const list = h("div");
  put(place, list);
  frame.command("groundup studio");

  async function update() {
    const found = await frame.refresh();
    const now = JSON.stringify(found);
    if (now === shown) return;
    shown = now;
    put(list, doors(found), found.runs.length ? runs(found.runs) : welcome());
    if (!found.runs.length) frame.command("groundup run demo");
  }

  await update();
  const timer = setInterval(() => update().catch(() => {}), REFRESH);
  return () => clearInterval(timer);
}

/**
 * The three ways in.
 * @param {any} found
 */
function doors(found) {
  const model = found.models.length > 0;
  return h(
    "section",
    { class: "doors-section" },
    h("h1", {}, "Build a language model of your own, from the ground up."),
    h(
      "ul",
      { class: "doors" },
      h("li", {}, door("Talk to a model", model ? "#/chat" : "", model ? "Ask, and see where every answer comes from." : "Needs a model; the demo below makes one.")),
      h("li", {}, door("Make one from my documents", "#/make", "Drop files, say what it is for, choose the minutes, see the plan.")),
      h("li", {}, door("Put it to work", "#/work", "Five applications, each with examples to click.")),
    ),
    h("ul", { class: "apps", "aria-label": "Applications" }, APPS.map(([name, title, words]) => h("li", {}, h("a", { href: `#/work/${name}` }, h("b", {}, title), h("span", {}, words))))),
  );
}

/**
 * @param {string} title
 * @param {string} address  "" where it does not open yet
 * @param {string} words
 */
function door(title, address, words) {
  const inside = [h("b", {}, title), h("span", {}, words)];
  return address ? h("a", { class: "door", href: address }, inside) : h("div", { class: "door shut" }, inside);
}

function welcome() {
  return h(
    "section",
    { class: "welcome-demo" },
    h("h2", {}, "No model here yet"),
    h("p", { class: "why" }, "The demo writes a small world of stories, cleans them, learns from them and measures itself: a few minutes on this machine, no network."),
    start("Run the demo", "demo"),
  );
}

/**
 * A button that starts a run and goes to its page.
 * @param {string} label
 * @param {string} recipe
 * @param {string} [kind]
 */
export function start(label, recipe, kind = "primary") {
  const problem = h("p", { class: "problem", role: "alert" });
  const button = h("button", { type: "button", class: kind, onclick: go }, label);
  async function go() {
    button.disabled = true;
    try {
      const { id } = await send("POST", "/api/runs", { recipe });
      location.hash = `#/run/${encodeURIComponent(id)}`;
      if (location.hash.endsWith(encodeURIComponent(id)) && kind === "again") location.reload();
    } catch (error) {
      problem.textContent = /** @type {Error} */ (error).message;
      button.disabled = false;
    }
  }
  return h("div", { class: "start" }, button, problem);
}

/** @param {any[]} found */
function runs(found) {
  return h(
    "section",
    {},
    h("h2", {}, "Your models"),
    h("ul", { class: "runs" }, found.map((run) => h("li", {}, card(run)))),
    found.some((run) => run.id === "demo") ? null : start("Run the demo", "demo", "secondary"),
  );
}

/** @param {any} run */
function card(run) {
  const firsts = run.scores.filter((/** @type {any} */ score, /** @type {number} */ index) => run.scores.findIndex((/** @type {any} */ other) => other.task === score.task) === index);
  const scores = firsts.slice(0, 3).map((/** @type {any} */ score) =>
    h(
      "div",
      { title: `95 % interval ${number(score.low)} to ${number(score.high)}, ${score.n} items` },
      h("dd", {}, number(score.value)),
      h("dt", {}, score.task.replaceAll("_", " ")),
    ),
  );
  const address = `#/run/${encodeURIComponent(run.id)}`;
  return h(
    "article",
    { class: "run" },
    h(
      "div",
      { class: "about" },
      h("h3", {}, h("a", { href: address }, run.id)),
      h("p", {}, h("span", { class: `state ${run.state}` }, STATES[/** @type {"done"} */ (run.state)] ?? run.state), ` ${when(run.date)}`),
    ),
    scores.length ? h("dl", { class: "scores" }, scores) : h("p", { class: "why" }, progress(run)),
  );
}

/** @param {any} run */
function progress(run) {
  const done = run.stages.filter((/** @type {any} */ stage) => stage.state === "done").length;
  return run.stages.length ? `${done} of ${run.stages.length} stages made` : "starting";
}
