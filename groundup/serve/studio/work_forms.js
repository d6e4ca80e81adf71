// Forms of the applications' actions, drawn from what the server says they ask for; results as text, table and changes.

import { get, send } from "./api.js";
import { announce, h, put } from "./dom.js";

/**
 * A row of buttons, one an action; the chosen one's form and result below.
 * @param {any} app
 * @param {{ command: (text: string) => void }} frame
 */
export function actionForms(app, frame) {
  const body = h("div", { class: "action-body" });
  const buttons = app.actions.map((/** @type {any} */ action) => h("button", { type: "button", class: "opener", "aria-pressed": "false", onclick: () => open(action) }, action.title));
  return h("section", { class: "work-actions" }, h("h2", {}, app.name === "support" ? "For the team" : "Or choose what it should do"), h("div", { class: "openers" }, buttons), body);

  /** @param {any} action */
  function open(action) {
    for (const [place, button] of buttons.entries()) button.setAttribute("aria-pressed", String(app.actions[place] === action));
    /** @type {Record<string, any>} */
    const inputs = {};
    for (const field of action.fields) inputs[field.name] = input(field, action.example[field.name] ?? field.default);
    const result = h("div", { class: "result", role: "status" });
    const labels = action.fields.map((/** @type {any} */ field) => h("label", { class: "field" }, h("span", {}, field.title), inputs[field.name]));
    put(body, h("form", { class: "values", onsubmit: submit }, labels, h("button", { type: "submit", class: "primary" }, action.title)), result);
    frame.command(`groundup app ${app.name} --do ${action.name}`);

    /** @param {Event} event */
    async function submit(event) {
      event.preventDefault();
      const values = Object.fromEntries(Object.entries(inputs).map(([name, element]) => [name, element.value]));
      put(result, h("p", { class: "why" }, "..."));
      try {
        const made = await send("POST", `/api/apps/${app.name}/do`, { action: action.name, values });
        put(result, show(made, values.text ?? values.note ?? ""));
        announce(made.text);
      } catch (error) {
        put(result, h("p", { class: "problem", role: "alert" }, /** @type {Error} */ (error).message));
      }
    }
  }
}

/**
 * @param {any} field
 * @param {string} value
 */
function input(field, value) {
  if (field.kind === "choice") return h("select", {}, field.choices.map((/** @type {string} */ one) => h("option", { value: one, selected: one === value }, one || "any")));
  if (field.kind === "text") return h("textarea", { rows: 6, value });
  return h("input", { type: field.kind === "number" ? "number" : "text", value });
}

/**
 * An answer: its text, its changes to accept one by one, its table.
 * @param {any} made
 * @param {string} before  the text the changes are of
 */
export function show(made, before) {
  return [made.edits?.length ? editor(before, made.edits) : h("div", { class: made.found ? "text" : "text nothing" }, made.text), quotes(made), tables(made.rows ?? [])];
}

/** @param {any} made */
function quotes(made) {
  return made.citations?.length > 0 && h("ol", { class: "citations", "aria-label": "Sources" }, made.citations.map((/** @type {any} */ one) => h("li", {}, h("div", { class: "citation" }, h("b", {}, one.path), h("span", {}, one.text)))));
}

/**
 * Rows that have the same columns stand in one table.
 * @param {any[]} rows
 */
function tables(rows) {
  /** @type {Map<string, any[]>} */
  const groups = new Map();
  for (const row of rows) {
    const key = Object.keys(row).join("|");
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return [...groups.values()].map(table);
}

/** @param {any[]} rows */
function table(rows) {
  if (!rows.length) return null;
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))].filter((name) => name !== "start" && name !== "end");
  const cell = (/** @type {any} */ value) => (value === true ? "yes" : value === false ? "no" : value ?? "");
  return h("div", { class: "scroll", tabindex: 0 }, h("table", {}, h("thead", {}, h("tr", {}, names.map((name) => h("th", { scope: "col" }, name)))), h("tbody", {}, rows.map((row) => h("tr", {}, names.map((name) => h("td", {}, String(cell(row[name])))))))));
}

/**
 * The text with its suggestions: each can be taken or left, and the text as it then stands can be copied.
 * @param {string} before
 * @param {any[]} edits
 */
function editor(before, edits) {
  const taken = edits.map(() => true);
  const characters = Array.from(before.trim()); // the server trims, and counts characters as Python does
  const page = h("div", { class: "text page" });
  const list = h("ol", { class: "edits" });
  const copy = h("button", { type: "button", class: "secondary", onclick: () => navigator.clipboard.writeText(text()).then(() => announce("Copied")) }, "Copy the text");
  draw();
  return h("div", { class: "editor" }, page, list, copy);

  function text() {
    let made = "";
    let place = 0;
    edits.forEach((edit, number) => {
      made += characters.slice(place, edit.start).join("") + (taken[number] ? edit.after : edit.before);
      place = edit.end;
    });
    return made + characters.slice(place).join("");
  }

  function draw() {
    /** @type {any[]} */
    const parts = [];
    let place = 0;
    edits.forEach((edit, number) => {
      parts.push(characters.slice(place, edit.start).join(""));
      if (taken[number]) parts.push(edit.before && h("del", {}, edit.before), edit.after && h("ins", {}, edit.after));
      else parts.push(edit.before);
      place = edit.end;
    });
    put(page, parts, characters.slice(place).join(""));
    put(list, edits.map((edit, number) => h("li", {}, h("label", {}, h("input", { type: "checkbox", checked: taken[number], onchange: () => turn(number) }), " ", h("b", {}, edit.before || "(nothing)"), " \u2192 ", h("b", {}, edit.after.trim() || "(nothing)"), " ", h("span", { class: "why" }, edit.reason)))));
  }

  /** @param {number} number */
  function turn(number) {
    taken[number] = !taken[number];
    draw();
    /** @type {HTMLElement | undefined} */ (list.querySelectorAll("input")[number])?.focus();
  }
}

/**
 * What was measured, and what it cannot do.
 * @param {any} app
 */
export function known(app) {
  const rows = app.scores.map((/** @type {any} */ row) => ({
    "what": row.title,
    "measure": row.metric,
    "ours": row.value.toFixed(3),
    "95 %": `${row.low.toFixed(3)} to ${row.high.toFixed(3)}`,
    "beside": row.baseline === null ? "" : `${row.baseline.toFixed(3)} ${row.baseline_name}`,
  }));
  return h("details", { class: "own" }, h("summary", {}, "How well it does, and what it cannot do"), h("ul", {}, app.limits.map((/** @type {string} */ one) => h("li", {}, one))), table(rows));
}

/**
 * Its data out to a file and in again.
 * @param {string} name
 */
export function dataDoor(name) {
  const said = h("p", { class: "why", role: "status" });
  const file = h("input", { type: "file", accept: "application/json", class: "unseen", "aria-label": "Choose a file", onchange: take });
  return h("details", { class: "own" }, h("summary", {}, "Its data: take out, bring in"), h("button", { type: "button", class: "secondary", onclick: out }, "Save its data"), " ", h("label", { class: "choose" }, file, h("span", { class: "button" }, "Bring data in")), said);

  async function out() {
    const made = await get(`/api/apps/${name}/export`);
    const link = h("a", { href: URL.createObjectURL(new Blob([JSON.stringify(made, null, 1)], { type: "application/json" })), download: `${name}.json` });
    link.click();
    URL.revokeObjectURL(link.href);
    said.textContent = `Saved as ${name}.json.`;
  }

  async function take() {
    try {
      const given = JSON.parse(await file.files[0].text());
      const made = await send("POST", `/api/apps/${name}/import`, { data: given.data });
      said.textContent = `${made.taken} taken in.`;
    } catch (error) {
      said.textContent = /** @type {Error} */ (error).message;
    }
    file.value = "";
  }
}
