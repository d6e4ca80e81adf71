// The frame around the pages: which page the address names, the model picker, the command that does the same.

import { get, send } from "./api.js";
import { chat } from "./chat.js";
import { compare } from "./compare.js";
import { h, put } from "./dom.js";
import { home } from "./home.js";
import { inside } from "./inside.js";
import { make } from "./make.js";
import { run } from "./run.js";
import { trust } from "./trust.js";
import { work } from "./work.js";

/**
 * What a page gets besides its place.
 * @typedef {object} Frame
 * @property {string} model  the chosen model, "" when there is none
 * @property {string[]} models
 * @property {(text: string) => void} command  show the command that does the same
 * @property {(name: string) => void} choose  make this the model of every page
 * @property {() => Promise<any>} refresh  ask for runs and models again
 */

/** @typedef {(place: HTMLElement, frame: Frame, name: string) => Promise<(() => void) | void>} Page */

const place = /** @type {HTMLElement} */ (document.getElementById("page"));
const picker = /** @type {HTMLSelectElement} */ (document.getElementById("model"));
const commandLine = /** @type {HTMLElement} */ (document.getElementById("command"));

/** @type {Record<string, Page>} */
const PAGES = { home, chat, make, work, inside, trust, run, compare };

/** @type {Frame} */
const frame = { model: "", models: [], command: showCommand, choose, refresh };
let leave = () => {};
let turn = 0;

async function refresh() {
  const found = await get("/api/home");
  if (JSON.stringify(found.models) === JSON.stringify(frame.models)) return found; // an open list must not close
  frame.models = found.models;
  if (!frame.models.includes(frame.model)) {
    const kept = localStorage.getItem("model") ?? "";
    frame.model = frame.models.includes(kept) && !found.first ? kept : (frame.models[0] ?? "");
  }
  put(picker, frame.models.map((name) => h("option", { value: name, selected: name === frame.model }, name)));
  picker.value = frame.model;
  /** @type {HTMLElement} */ (picker.parentElement).hidden = frame.models.length === 0;
  return found;
}

/** @param {string} name */
function choose(name) {
  frame.model = name;
  picker.value = name;
  localStorage.setItem("model", name);
}

/** @param {string} text */
function showCommand(text) {
  commandLine.textContent = text;
  /** @type {HTMLElement} */ (commandLine.parentElement).hidden = !text;
}

async function show() {
  const [name = "", ...rest] = location.hash.replace(/^#\/?/, "").split("/");
  const page = PAGES[name || "home"] ? name || "home" : "home";
  const mine = ++turn;
  leave();
  leave = () => {};
  showCommand("");
  for (const link of document.querySelectorAll("nav a")) {
    link.toggleAttribute("aria-current", link.getAttribute("data-page") === page);
  }
  document.body.dataset.page = page;
  place.replaceChildren();
  try {
    if (!frame.models.length) await refresh();
    const done = await PAGES[page](place, frame, rest.map(decodeURIComponent).join("/"));
    document.title = `${page[0].toUpperCase()}${page.slice(1)} - groundup studio`;
    if (mine !== turn) done?.();
    else if (done) leave = done;
  } catch (error) {
    if (place.querySelector(".key")) return;
    put(place, h("section", { class: "notice" }, h("h1", {}, "That did not work"), h("p", {}, /** @type {Error} */ (error).message)));
  }
}

/** A server on a network asks for a key; the browser keeps it in a cookie that no script can read. */
function askForKey() {
  const field = h("input", { type: "password", autocomplete: "off", required: true, id: "key" });
  const problem = h("p", { class: "problem", role: "alert" });
  /** @param {Event} event */
  async function give(event) {
    event.preventDefault();
    try {
      await send("POST", "/api/session", { key: field.value });
      location.reload();
    } catch (error) {
      problem.textContent = /** @type {Error} */ (error).message;
    }
  }
  if (place.querySelector(".key")) return;
  put(
    place,
    h(
      "section",
      { class: "welcome key" },
      h("h1", {}, "A key, please"),
      h("p", { class: "lead" }, "This studio is on a network. Whoever runs it can give you a key."),
      h("form", { class: "stack", onsubmit: give }, h("label", {}, "Key ", field), h("button", { class: "primary" }, "Open"), problem),
    ),
  );
}

window.addEventListener("key-wanted", askForKey);
picker.addEventListener("change", () => {
  choose(picker.value);
  show();
});
document.getElementById("copy-command")?.addEventListener("click", async (event) => {
  await navigator.clipboard.writeText(commandLine.textContent ?? "").catch(() => {});
  const button = /** @type {HTMLElement} */ (event.currentTarget);
  button.textContent = "Copied";
  setTimeout(() => (button.textContent = "Copy"), 1500);
});
window.addEventListener("hashchange", () => show().then(() => place.focus({ preventScroll: true })));
show();
