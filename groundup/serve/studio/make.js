// Make: documents and a wish in, a plan to agree to, then the run.

import { get, send } from "./api.js";
import { announce, clock, h, number, put } from "./dom.js";
import { fileDrop } from "./files.js";
import { recipeEditor } from "./recipe_editor.js";

const MINUTES = [5, 15, 30, 60, 180];
const NAME = /^[a-z0-9][a-z0-9_-]{0,39}$/;

/** @type {import("./app.js").Page} */
export async function make(place, frame) {
  let project = "my_model";
  let folder = "";
  let files = 0;
  const { own_folders: ownFolders } = await get(`/api/projects/${project}`);

  const drop = fileDrop(() => project, (found) => {
    files = found.length;
    command();
  });
  const name = h("input", { type: "text", value: project, maxlength: 40, spellcheck: "false", oninput: rename });
  const nameProblem = h("small", { class: "problem" });
  const place_ = h("input", { type: "text", placeholder: "/home/me/documents", spellcheck: "false", oninput: () => ((folder = place_.value.trim()), command()) });
  const purpose = h("textarea", { rows: 2, maxlength: 500, placeholder: "Answer questions about our manuals" });
  const minutes = h("select", { onchange: command }, MINUTES.map((value) => h("option", { value, selected: value === 30 }, value < 60 ? `${value} minutes` : value === 60 ? "1 hour" : "3 hours")));
  minutes.value = "30";
  const look = h("button", { type: "submit", class: "primary" }, "Look and plan");
  const problem = h("p", { class: "problem", role: "alert" });
  const result = h("section", { class: "proposal", "aria-live": "polite" });
  put(
    place,
    h("div", { class: "hero" }, h("div", {}, h("h1", {}, "Make a model from your documents"), h("p", { class: "lead" }, "Nothing is sent anywhere: the files stay here, and the model learns on this machine."))),
    h(
      "form",
      { class: "make", onsubmit: propose },
      field("1", "Its name", name, nameProblem),
      h("fieldset", {}, h("legend", {}, number_("2"), "Your documents"), drop.element, ownFolders && h("label", { class: "or" }, h("span", {}, "or a folder of this machine"), place_)),
      field("3", "What is it for?", purpose),
      field("4", "How long may it take?", minutes),
      h("div", { class: "start" }, look, problem),
    ),
    result,
  );

  /** @param {string} text */
  function number_(text) {
    return h("span", { class: "number", "aria-hidden": "true" }, text);
  }

  /**
   * @param {string} step
   * @param {string} label
   * @param {...any} children
   */
  function field(step, label, ...children) {
    return h("label", { class: "field" }, h("span", {}, number_(step), label), children);
  }

  async function rename() {
    const wanted = name.value.trim();
    nameProblem.textContent = NAME.test(wanted) ? "" : "Lower-case letters, digits, _ and -";
    if (!NAME.test(wanted)) return;
    project = wanted;
    await drop.show().catch(() => {});
  }

  function command() {
    frame.command(`groundup new ${folder || "FOLDER"} --budget ${minutes.value}m`);
  }

  /** @param {Event} event */
  async function propose(event) {
    event.preventDefault();
    problem.textContent = "";
    if (!folder && !files) {
      problem.textContent = "Drop some files first, or name a folder.";
      return;
    }
    look.disabled = true;
    look.textContent = "Looking and measuring ...";
    try {
      const wish = { folder, purpose: purpose.value.trim(), minutes: Number(minutes.value) };
      const found = await send("POST", `/api/projects/${project}/proposal`, wish);
      frame.command(found.command);
      put(result, plan(found));
      result.querySelector("h2")?.scrollIntoView({ block: "nearest" });
      announce("The plan is ready.");
    } catch (error) {
      problem.textContent = /** @type {Error} */ (error).message;
    }
    look.disabled = false;
    look.textContent = "Look and plan";
  }

  /**
   * The plan and the recipe behind it; `found` is left out when only the recipe was changed.
   * @param {any} proposal
   */
  function plan(proposal) {
    const { found } = proposal;
    const go = h("button", { type: "button", class: "primary", onclick: begin }, "Start");
    const failed = h("p", { class: "problem", role: "alert" });
    const times = h("div");
    async function begin() {
      go.disabled = true;
      try {
        const { id } = await send("POST", `/api/projects/${project}/start`);
        location.hash = `#/run/${encodeURIComponent(id)}`;
      } catch (error) {
        failed.textContent = /** @type {Error} */ (error).message;
        go.disabled = false;
      }
    }
    /** @param {any} made  the plan of the recipe as it stands now; null while it was changed and not planned anew */
    function show(made) {
      go.disabled = made === null;
      put(times, made === null ? h("p", { class: "why" }, "The recipe was changed: plan it anew before the start.") : planned(made));
    }
    const facts = [
      ["Documents", `${number(found.documents)}${found.complete ? "" : " or more"}, ${number(found.characters / 1e6)} million characters`],
      ["Kinds", counts(found.kinds)],
      ["Languages", counts(found.languages)],
    ];
    show(proposal.plan);
    return [
      h("h2", {}, "The plan"),
      h("dl", { class: "facts" }, facts.map(([term, words]) => [h("dt", {}, term), h("dd", {}, words)])),
      found.problems > 0 && h("details", {}, h("summary", {}, `${number(found.problems)} files could not be read`), h("ul", {}, found.problem_samples.map((/** @type {any} */ one) => h("li", {}, `${one.path}: ${one.problem} ${one.detail}`)))),
      times,
      found.characters < 200000 && h("p", { class: "why" }, "This is little text to learn a language from: expect a model that repeats it. Search under Work answers from the documents themselves, at once."),
      recipeEditor(project, proposal, show),
      h("div", { class: "start" }, go, failed),
    ];
  }

  command();
  await drop.show();
}

/** @param {any} plan */
function planned(plan) {
  const facts = [
    ["Model", plan.parameters ? `${number(plan.parameters)} parameters, ${plan.model.depth} layers` : `from ${plan.model.from}`],
    ["Together", `about ${clock(plan.budget_seconds ?? total(plan))}`],
  ];
  return [
    h("dl", { class: "facts" }, facts.map(([term, words]) => [h("dt", {}, term), h("dd", {}, words)])),
    h("ol", { class: "stages across" }, Object.entries(plan.stages).map(([stage, value]) => h("li", {}, h("span", { class: "name" }, stage.replace(".", ": ")), h("span", { class: "time" }, clock(/** @type {any} */ (value).seconds))))),
  ];
}

/** @param {any} plan */
function total(plan) {
  return Object.values(plan.stages).reduce((sum, stage) => sum + (/** @type {any} */ (stage).seconds ?? 0), 0);
}

/** @param {Record<string, number>} values */
function counts(values) {
  return Object.entries(values).map(([name, count]) => `${name || "unknown"} ${number(count)}`).join(", ");
}
