// The proposed recipe, to be changed before the start: as a form first, as TOML second. What is kept is what the server
// found valid and planned anew.

import { get, send } from "./api.js";
import { announce, h, put } from "./dom.js";
import { recipeForm } from "./recipe_form.js";

/**
 * @param {string} project
 * @param {any} proposal  recipe (TOML) and values
 * @param {(plan: any) => void} onPlan  null: changed, not planned yet
 */
export function recipeEditor(project, proposal, onPlan) {
  let { recipe, values } = proposal;
  let asForm = true;
  const place = h("div");
  const problem = h("p", { class: "problem", role: "alert" });
  const again = h("button", { type: "button", class: "secondary", hidden: true, onclick: plan }, "Plan anew");
  const text = h("textarea", { class: "toml", rows: 24, spellcheck: "false", "aria-label": "The recipe as TOML", oninput: changed });
  const tabs = [tab("Form", true), tab("TOML", false)];
  const made = h("details", { class: "recipe", ontoggle: () => made.open && !place.childElementCount && draw() }, h("summary", {}, "The recipe: see and change everything"), h("div", { class: "filters" }, tabs), place, h("div", { class: "start" }, again, problem));
  return made;

  /**
   * @param {string} label
   * @param {boolean} form
   */
  function tab(label, form) {
    return h("button", { type: "button", class: "secondary", "aria-pressed": String(form === asForm), onclick: () => turn(form) }, label);
  }

  /** @param {boolean} form */
  async function turn(form) {
    if (form === asForm) return;
    if (!again.hidden && !(await plan())) return; // what was changed must be read by the server before it is shown anew
    asForm = form;
    tabs.forEach((button, index) => button.setAttribute("aria-pressed", String((index === 0) === asForm)));
    await draw();
  }

  async function draw() {
    if (asForm) put(place, recipeForm(await get("/api/recipe"), values, changed));
    else {
      text.value = recipe;
      put(place, text);
    }
  }

  function changed() {
    again.hidden = false;
    onPlan(null);
  }

  /** Whether the recipe as it stands is a good one. */
  async function plan() {
    again.disabled = true;
    problem.textContent = "";
    try {
      const found = await send("PUT", `/api/projects/${project}/recipe`, asForm ? { values } : { toml: text.value });
      ({ recipe, values } = found);
      again.hidden = true;
      onPlan(found.plan);
      announce("The plan is made anew.");
    } catch (error) {
      problem.textContent = /** @type {Error} */ (error).message;
    }
    again.disabled = false;
    return again.hidden;
  }
}
