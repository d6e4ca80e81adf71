// What stands beside a conversation: settings and kept conversations; why an answer was given; how sure the model was.

import { get, send } from "./api.js";
import { h, number, put, when } from "./dom.js";
import { percent, shade, visible } from "./tokens.js";

/**
 * A panel with a title and a way back.
 * @param {string} title
 * @param {() => void} onClose
 * @param {...any} children
 */
export function panel(title, onClose, ...children) {
  const close = h("button", { type: "button", class: "quiet", onclick: onClose }, "Close");
  return [h("div", { class: "panel-head" }, h("h2", {}, title), close), children];
}

/**
 * Sliders of how an answer is drawn, the system prompt, a second model.
 * @param {any} settings
 * @param {import("./app.js").Frame} frame
 * @param {() => void} onChange
 */
export function settingsForm(settings, frame, onChange) {
  const system = h("textarea", { rows: 2, oninput: () => ((settings.system = system.value), onChange()) });
  system.value = settings.system;
  const others = frame.models.filter((name) => name !== frame.model);
  const second = h("select", { onchange: () => ((settings.second = second.value), onChange()) }, h("option", { value: "" }, "none"), others.map((name) => h("option", { value: name }, name)));
  second.value = others.includes(settings.second) ? settings.second : "";
  return [
    h("h2", {}, "Settings"),
    slider("Temperature", "temperature", 0, 1.5, 0.1, "0 is always the likeliest word"),
    slider("Top p", "top_p", 0.1, 1, 0.05, "keep the likeliest words up to this share"),
    slider("Longest answer", "max_tokens", 16, 512, 16, "tokens"),
    slider("Seed", "seed", 0, 99, 1, "the same seed, the same answer"),
    h("label", { class: "setting" }, h("span", {}, "System prompt"), system),
    others.length > 0 && h("label", { class: "setting" }, h("span", {}, "A second model beside it"), second),
  ];

  /**
   * @param {string} label
   * @param {string} name
   * @param {number} min
   * @param {number} max
   * @param {number} step
   * @param {string} words
   */
  function slider(label, name, min, max, step, words) {
    const shown = h("output", {}, String(settings[name]));
    const input = h("input", { type: "range", min, max, step, name, "aria-label": `${label}: ${words}` });
    input.value = String(settings[name]);
    input.addEventListener("input", () => {
      settings[name] = Number(input.value);
      shown.textContent = input.value;
      onChange();
    });
    return h("label", { class: "setting" }, h("span", {}, label, shown), input, h("small", {}, words));
  }
}

/**
 * Kept conversations; this one out to a file and in again; the thumbs as data for tuning.
 * @param {string} chatId
 * @param {boolean} begun  whether there is something to save
 * @param {() => any} asFile  this conversation as it is kept
 * @param {(file: any) => Promise<void>} bringIn
 */
export async function keptChats(chatId, begun, asFile, bringIn) {
  const { chats } = await get("/api/chats").catch(() => ({ chats: [] }));
  const problem = h("p", { class: "problem", role: "alert" });
  const file = h("input", { type: "file", accept: "application/json,.json", class: "unseen", "aria-label": "Choose a conversation", onchange: take });
  const rows = chats.slice(0, 8).map((/** @type {any} */ one) =>
    h("li", {}, h("a", { href: `#/chat/${one.id}`, "aria-current": one.id === chatId }, one.title), h("small", {}, `${one.model}, ${when(one.changed)}`)),
  );
  return [
    rows.length > 0 && [h("h2", {}, "Conversations"), h("ul", {}, rows)],
    h(
      "div",
      { class: "tools" },
      begun && h("a", { class: "quiet", href: "#/chat" }, "New conversation"),
      begun && h("button", { type: "button", class: "quiet", onclick: save }, "Save this one"),
      h("label", { class: "choose quiet" }, file, h("span", { class: "button" }, "Open one")),
      h("a", { class: "quiet", href: "/api/thumbs", download: "thumbs.jsonl" }, "Thumbs as JSONL"),
    ),
    problem,
  ];

  function save() {
    download("conversation.json", JSON.stringify(asFile(), null, 1));
  }

  async function take() {
    try {
      await bringIn(JSON.parse(await file.files[0].text()));
    } catch (error) {
      problem.textContent = `This is no conversation: ${/** @type {Error} */ (error).message}`;
    }
    file.value = "";
  }
}

/**
 * Hand a text to the browser as a file.
 * @param {string} name
 * @param {string} text
 */
export function download(name, text) {
  const link = h("a", { href: URL.createObjectURL(new Blob([text], { type: "application/json" })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

/**
 * Why an answer begins as it does: the question's words in colour, and what each layer would have said.
 * @param {string} model
 * @param {string} question
 * @param {string} answer
 */
export async function whyPanel(model, question, answer) {
  const found = await send("POST", "/api/why", { model, question, answer });
  const most = Math.max(...found.words.map((/** @type {any} */ word) => Math.abs(word.score)), 1e-9);
  const words = found.words.filter((/** @type {any} */ word) => !word.frame).map((/** @type {any} */ word) => {
    const level = Math.round((8 * Math.abs(word.score)) / most);
    return h("span", { class: `word ${word.score < 0 ? "against" : "for"} w${level}`, title: `${word.score > 0 ? "+" : ""}${word.score}` }, word.text);
  });
  const layers = found.layers.map((/** @type {any} */ one) =>
    h("tr", { class: one.layer === found.decided_at ? "decided" : "" }, h("th", { scope: "row" }, one.layer === 0 ? "embedded" : `layer ${one.layer}`), h("td", {}, one.top.map((/** @type {any} */ word) => h("span", { class: "lens" }, visible(word.text), h("small", {}, ` ${percent(word.probability)}`))))),
  );
  const decided = found.decided_at === null ? "No layer is sure of it." : found.decided_at === 0 ? "It was sure from the start." : `Sure from layer ${found.decided_at} on.`;
  return [
    h("p", {}, "Why it begins with ", h("b", {}, found.target.trim()), ` (probability ${percent(found.probability)})`),
    h("p", { class: "words", "aria-label": "Words of the question" }, words),
    h("p", { class: "why" }, h("i", { class: "key for" }), " speaks for it ", h("i", { class: "key against" }), " against it. Integrated gradients over the last question alone; they say what moved this answer, not what is true."),
    h("h3", {}, "What each layer would say"),
    h("div", { class: "scroll", tabindex: 0 }, h("table", { class: "layers" }, h("tbody", {}, layers))),
    h("p", { class: "why" }, decided, found.notes.map((/** @type {string} */ note) => ` ${note}`)),
  ];
}

/**
 * An answer's tokens, coloured by how improbable each was. The chosen one's rivals are told beside it: by pointing, by
 * touch, or with the arrow keys.
 * @param {any[]} tokens
 * @param {(token: any) => void} onToken
 */
export function sureText(tokens, onToken) {
  let at = -1;
  const spans = tokens.map((token, place) =>
    h("span", { class: `token h${shade(token.probability)}`, title: percent(token.probability ?? 0), onmouseenter: () => choose(place), onclick: () => choose(place) }, token.text),
  );
  const box = h("div", { class: "sure", tabindex: 0, role: "group", "aria-label": "The answer's tokens; arrow keys go from one to the next", onkeydown: keys }, spans);
  return box;

  /** @param {number} place */
  function choose(place) {
    if (place < 0 || place >= tokens.length) return;
    spans[at]?.classList.remove("chosen");
    at = place;
    spans[at].classList.add("chosen");
    onToken(tokens[at]);
  }

  /** @param {KeyboardEvent} event */
  function keys(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    choose(Math.max(0, at + step));
  }
}

/**
 * One token of an answer and what else might have come.
 * @param {any} token  undefined before one is chosen
 */
export function surePanel(token) {
  if (!token) return h("p", { class: "why" }, "The stronger the colour, the less probable the model held this token. Point at one to see its rivals.");
  const rows = token.others.map((/** @type {any} */ other) => {
    const bar = h("i", { class: "after" });
    bar.style.width = `${other.probability * 100}%`;
    return h("li", { class: other.text === token.text ? "is" : "" }, h("code", {}, visible(other.text)), h("span", { class: "drawn", role: "img", "aria-label": percent(other.probability) }, bar), h("span", { class: "amount" }, percent(other.probability)));
  });
  return [
    h("p", { role: "status" }, h("code", {}, visible(token.text)), ` had probability ${token.probability === null ? "unknown" : number(token.probability)}`),
    h("ol", { class: "bars narrow" }, rows),
  ];
}
