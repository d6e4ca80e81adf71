// Work: the applications. Examples to click, a question, the answer with its citations, which open.

import { get, send } from "./api.js";
import { announce, h, number, put } from "./dom.js";
import { fileDrop } from "./files.js";
import { actionForms, dataDoor, known, show } from "./work_forms.js";

const TITLES = { search: "Search", support: "Customer service", tutor: "Tutor", writing: "Writing", health: "Health" };
const WISHES = {
  search: "Ask your documents",
  support: "Write as a customer would",
  tutor: "Ask for an exercise",
  writing: "Paste a text to correct",
  health: "Paste a note, or ask",
};
const PROJECT = "my_search";

/** @type {import("./app.js").Page} */
export async function work(place, frame, wanted) {
  const { apps } = await get("/api/apps");
  const app = apps.find((/** @type {any} */ one) => one.name === wanted) ?? apps[0];
  /** @type {any} */
  let state = null;
  let project = "";
  let busy = false;

  const tabs = apps.map((/** @type {any} */ one) => h("li", {}, h("a", { href: `#/work/${one.name}`, "aria-current": one === app ? "page" : null }, title(one.name))));
  const talk = h("div", { class: "talk" });
  const field = h("textarea", { rows: 1, id: "question", placeholder: WISHES[/** @type {"search"} */ (app.name)] ?? "Ask", "aria-label": `Ask ${title(app.name)}`, onkeydown: keys, oninput: grow });
  const side = h("aside", { class: "side", "aria-label": "Source" });
  const examples = h("div", { class: "openers" }, app.examples.map((/** @type {string} */ text) => h("button", { type: "button", class: "opener", onclick: () => ask(text) }, text)));
  put(
    place,
    h("h1", {}, "Put it to work"),
    h("nav", { "aria-label": "Applications" }, h("ul", { class: "tabs" }, tabs)),
    h(
      "div",
      { class: "chat" },
      h(
        "div",
        { class: "column" },
        h("p", { class: "lead" }, app.purpose),
        app.problem && h("p", { class: "problem", role: "alert" }, app.problem),
        examples,
        app.name === "search" && ownFiles(),
        talk,
        h("form", { class: "ask", onsubmit: submit }, field, h("button", { type: "submit", class: "primary" }, "Ask")),
        app.actions.length > 0 && actionForms(app, frame),
        dataDoor(app.name),
        known(app),
      ),
      side,
    ),
  );
  frame.command(`groundup app ${app.name}`);

  function ownFiles() {
    const said = h("p", { class: "why", role: "status" });
    const drop = fileDrop(() => PROJECT, async (files) => {
      if (!files.length) return;
      said.textContent = "Reading ...";
      try {
        const made = await send("POST", `/api/apps/search/index/${PROJECT}`);
        project = PROJECT;
        examples.hidden = true;
        const failed = made.problems.map((/** @type {any} */ one) => `${one.path} (${one.problem})`).join(", ");
        said.textContent = `Answers now come from your ${number(made.documents)} documents.${failed ? ` Not read: ${failed}.` : ""}`;
      } catch (error) {
        said.textContent = /** @type {Error} */ (error).message;
      }
    });
    return h("details", { class: "own", ontoggle: (/** @type {any} */ event) => event.target.open && drop.show() }, h("summary", {}, "Search your own files"), drop.element, said);
  }

  /** @param {string} text */
  async function ask(text) {
    if (busy || !text.trim()) return;
    busy = true;
    talk.append(h("div", { class: "turn user" }, h("p", {}, text)));
    const answer = h("div", { class: "turn assistant" }, h("p", { class: "why" }, "..."));
    talk.append(answer);
    try {
      const made = await send("POST", `/api/apps/${app.name}/ask`, { text, state, ...(project ? { project } : {}) });
      state = made.state;
      put(answer, made.edits.length || made.rows.length ? show(made, text) : reply(made));
      announce(made.text);
      if (made.citations.length) open(made.citations[0], false);
    } catch (error) {
      put(answer, h("p", { class: "problem", role: "alert" }, /** @type {Error} */ (error).message));
    }
    busy = false;
    answer.scrollIntoView({ block: "nearest" });
  }

  /** @param {any} made */
  function reply(made) {
    return [
      h("div", { class: made.found ? "text" : "text nothing" }, made.text),
      made.actions.length > 0 &&
        h("ul", { class: "actions-list", "aria-label": "What it did" }, made.actions.map((/** @type {any} */ action) => h("li", { class: action.done ? "done" : "" }, h("code", {}, action.tool), " ", pairs(action.arguments), action.done ? "" : h("small", {}, " not done")))),
      made.citations.length > 0 &&
        h("ol", { class: "citations", "aria-label": "Sources" }, made.citations.map((/** @type {any} */ one) => h("li", {}, h("button", { type: "button", class: "citation", onclick: () => open(one, true) }, h("b", {}, one.path), h("span", {}, one.text))))),
    ];
  }

  /**
   * @param {any} citation
   * @param {boolean} focus
   */
  async function open(citation, focus) {
    const more = project ? `&project=${project}` : "";
    const found = await get(`/api/apps/${app.name}/document?id=${encodeURIComponent(citation.document_id)}${more}`).catch(() => null);
    const characters = Array.from(found?.text ?? citation.text); // offsets count characters as Python does
    const [start, end] = found ? [citation.start, citation.end] : [0, characters.length];
    const mark = h("mark", {}, characters.slice(start, end).join(""));
    const head = h("h2", { tabindex: -1 }, citation.path);
    put(side, head, citation.source && h("p", { class: "why" }, citation.source), h("div", { class: "page", tabindex: 0 }, characters.slice(0, start).join(""), mark, characters.slice(end).join("")));
    mark.scrollIntoView({ block: "nearest" });
    if (focus) head.focus({ preventScroll: true });
  }

  /** @param {Event} event */
  function submit(event) {
    event.preventDefault();
    const text = field.value;
    field.value = "";
    grow();
    ask(text);
  }

  /** @param {KeyboardEvent} event */
  function keys(event) {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) submit(event);
  }

  function grow() {
    field.style.height = "auto";
    field.style.height = `${Math.min(field.scrollHeight, 240)}px`;
  }
}

/** @param {string} name */
function title(name) {
  return TITLES[/** @type {"search"} */ (name)] ?? name;
}

/** @param {any} values */
function pairs(values) {
  return Object.entries(values ?? {}).map(([name, value]) => `${name}: ${typeof value === "object" ? JSON.stringify(value) : value}`).join(", ");
}
