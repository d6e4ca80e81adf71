// A run, live: stages, the loss as it falls, samples as they get better, the time left; then the report.

import { get, send } from "./api.js";
import { draw } from "./chart.js";
import { announce, clock, h, number, put } from "./dom.js";
import { funnel } from "./funnel.js";
import { start, STATES } from "./home.js";

/** @type {import("./app.js").Page} */
export async function run(place, frame, name) {
  frame.command(`groundup run ${name}`);
  let info = await get(`/api/runs/${encodeURIComponent(name)}`);
  const { runs } = await get("/api/home").catch(() => ({ runs: [] }));
  const others = runs.map((/** @type {any} */ one) => one.id).filter((/** @type {string} */ id) => id !== name);

  const state = h("span", { class: "state" });
  const left = h("span", { class: "left" });
  const actions = h("div", { class: "actions" });
  const stages = h("ol", { class: "stages" });
  const loss = h("figure", { class: "chart" });
  const bits = h("figure", { class: "chart small" });
  const samples = h("ol", { class: "samples" });
  const sampleTitle = h("h2", { hidden: true }, "What it writes");
  const note = h("p", { class: "why" });
  const waiting = h("p", { class: "why" }, "The curves appear when training begins.");
  const report = h("section", { class: "report" });
  const data = h("figure", { class: "funnel" });
  put(
    place,
    h("div", { class: "hero" }, h("div", {}, h("h1", {}, name), h("p", {}, state, left)), actions),
    h("div", { class: "live" }, stages, h("div", { class: "curves" }, data, waiting, loss, bits, sampleTitle, samples, note)),
    report,
  );

  /** @type {Record<string, {losses: [number, number][], bits: [number, number][], last: any}>} */
  const training = {};
  let current = "";
  let pending = false;
  let offered = "";

  const part = () => (training[current] ??= { losses: [], bits: [], last: null });

  /** @param {any} event */
  function take(event) {
    if (event.kind === "stage") {
      if (event.state === "started") current = event.stage;
      const row = info.stages.find((/** @type {any} */ stage) => stage.name.split(" ")[0] === event.stage && stage.state !== "done");
      if (row) Object.assign(row, { state: event.state, seconds: event.seconds ?? null });
    } else if (event.kind === "step" && Number.isFinite(event.loss)) {
      part().losses.push([event.step, event.loss]);
      part().last = event;
    } else if (event.kind === "validation" && Number.isFinite(event.bits_per_byte ?? event.answer_loss)) {
      part().bits.push([event.step, event.bits_per_byte ?? event.answer_loss]);
    } else if (event.kind === "sample" && typeof event.text === "string") {
      sampleTitle.hidden = false;
      samples.prepend(
        h("li", {}, h("span", { class: "step" }, `step ${number(event.step ?? 0)}`), h("p", {}, h("b", {}, asked(event.prompt ?? "")), current === "finetune" ? "\n" : "", event.text)),
      );
      while (samples.children.length > 6) samples.lastElementChild?.remove();
    } else if (event.kind === "note" && event.text) note.textContent = event.text;
    if (!pending) {
      pending = true;
      setTimeout(paint, 150);
    }
  }

  function paint() {
    pending = false;
    paintHead();
    put(stages, info.stages.map(stageRow));
    put(data, funnel(info.stages));
    const shown = training[current]?.losses.length ? current : Object.keys(training).filter((key) => training[key].losses.length).pop();
    waiting.hidden = Boolean(shown) || info.state !== "running";
    if (!shown) return;
    const { losses, bits: heldOut, last } = training[shown];
    const title = shown === "finetune" ? "Tuning loss" : "Training loss";
    draw(loss, { title, unit: speed(last), points: losses, end: info.plan.stages?.[shown]?.steps });
    const heldOutWords = shown === "finetune" ? ["Held-out answers", "nats per token"] : ["Held-out text", "bits per byte"];
    draw(bits, { title: heldOutWords[0], unit: heldOutWords[1], points: heldOut, smooth: false, end: info.plan.stages?.[shown]?.steps });
  }

  function paintHead() {
    const running = info.state === "running";
    state.className = `state ${info.state}`;
    state.textContent = STATES[/** @type {"done"} */ (info.state)] ?? info.state;
    if (info.error) put(note, h("code", { class: "error" }, info.error));
    const seconds = running ? secondsLeft(info, current, training[current]?.last) : null;
    left.textContent = seconds === null ? "" : ` about ${clock(seconds)} left`;
    // Buttons are made anew only when they change: a click or the focus must not fall between two pictures.
    const now = JSON.stringify([info.state, info.ours, info.has_report, info.has_model]);
    if (now === offered) return;
    offered = now;
    put(
      actions,
      running && info.ours && h("button", { type: "button", class: "secondary", onclick: () => tell("pause") }, "Pause"),
      info.state === "paused" && h("button", { type: "button", class: "primary", onclick: () => tell("resume") }, "Resume"),
      (running || info.state === "paused") && info.ours && h("button", { type: "button", class: "secondary", onclick: () => tell("stop") }, "Save and stop"),
      !running && ["stopped", "empty", "failed"].includes(info.state) && start("Continue", name, "again"),
      info.has_report && h("a", { class: "secondary", href: `/api/runs/${encodeURIComponent(name)}/report`, target: "_blank", rel: "noopener" }, "Open the report"),
      others.length > 0 && compareWith(),
      info.has_model && h("button", { type: "button", class: "primary", onclick: talk }, "Talk to it"),
    );
  }

  function compareWith() {
    const choice = h("select", { "aria-label": "Compare with another run", onchange: () => (location.hash = `#/compare/${encodeURIComponent(name)}/${encodeURIComponent(choice.value)}`) }, h("option", { value: "" }, "Compare with ..."), others.map((other) => h("option", { value: other }, other)));
    return choice;
  }

  async function talk() {
    await frame.refresh();
    frame.choose(name);
    location.hash = "#/chat";
  }

  /** @param {"pause" | "resume" | "stop"} what */
  async function tell(what) {
    await send("POST", `/api/runs/${encodeURIComponent(name)}/${what}`).catch((error) => (note.textContent = error.message));
    info = await get(`/api/runs/${encodeURIComponent(name)}`).catch(() => info);
    paint();
  }

  function showReport() {
    if (!info.has_report || report.childElementCount) return;
    const address = `/api/runs/${encodeURIComponent(name)}/report`;
    put(report, h("h2", {}, "The report"), h("iframe", { src: address, title: `Report of ${name}`, loading: "lazy" }));
  }

  const source = new EventSource(`/api/runs/${encodeURIComponent(name)}/events`);
  source.onmessage = (message) => take(JSON.parse(message.data));
  source.addEventListener("end", async () => {
    source.close();
    const before = info.state;
    info = await get(`/api/runs/${encodeURIComponent(name)}`);
    if (before === "running") announce(`${name} has ended: ${info.state}.`);
    paint();
    showReport();
  });
  // The stage list of a run that was just started is written after its first event.
  const timer = setInterval(async () => {
    if (source.readyState === EventSource.CLOSED) return clearInterval(timer);
    info = await get(`/api/runs/${encodeURIComponent(name)}`).catch(() => info);
    paint();
  }, 3000);
  paint();
  return () => {
    source.close();
    clearInterval(timer);
  };
}

/**
 * The end of a long prompt: the question stands there.
 * @param {string} prompt
 */
function asked(prompt) {
  return prompt.length > 200 ? `... ${prompt.slice(-160).replace(/^\S*\s/, "")}` : prompt;
}

/** @param {any} last */
function speed(last) {
  return last?.tokens_per_second ? `${number(last.tokens_per_second)} tokens/s; nats per token` : "nats per token";
}

/** @param {any} stage */
function stageRow(stage) {
  const words = { done: "made", started: "working", waiting: "waiting", damaged: "damaged" };
  const time = stage.seconds === null || stage.seconds === undefined ? (words[/** @type {"done"} */ (stage.state)] ?? "") : clock(stage.seconds);
  return h("li", { class: stage.state }, h("span", { class: "name" }, stage.name.replace(" ", ": ")), h("span", { class: "time" }, time));
}

/**
 * The seconds a run still needs: what its plan says of the stages to come, and of this one what its own speed says.
 * @param {any} info
 * @param {string} current
 * @param {any} last  the last training step
 * @returns {number | null}
 */
export function secondsLeft(info, current, last) {
  const plan = info.plan.stages ?? {};
  let seconds = 0;
  let known = false;
  for (const stage of info.stages) {
    const planned = plan[stage.name.replace(" ", ".")];
    if (stage.state === "done" || planned?.seconds === undefined) continue;
    known = true;
    const share = planned.steps ? last?.step / planned.steps : last?.tokens / planned.tokens;
    if (stage.state === "started" && stage.name.startsWith(current) && share > 0 && Number.isFinite(last.seconds)) {
      seconds += Math.max(0, last.seconds / share - last.seconds);
    } else seconds += planned.seconds;
  }
  return known ? seconds : null;
}
