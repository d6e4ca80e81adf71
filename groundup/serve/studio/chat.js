// Chat: answers as they are written; stop, continue, again, edit and branch; one model, or two beside each other; and of
// every answer why it was given, where its words stand in the training text, and how sure the model was.

import { get, send, stream } from "./api.js";
import { keptChats, panel, settingsForm, sureText, surePanel, whyPanel } from "./chat_side.js";
import { announce, h, number, put } from "./dom.js";
import { markdown } from "./markdown.js";
import { sourcesPanel, withSpans } from "./sources.js";
import { add, emptyTalk, messages, path, showBranch, siblings, talkFrom } from "./talk.js";

const SETTINGS = { temperature: 0, top_p: 1, max_tokens: 128, seed: 0, system: "", second: "" };

/**
 * A text as one word of a shell.
 * @param {string} text
 */
function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** @type {import("./app.js").Page} */
export async function chat(place, frame, id) {
  if (!frame.model) {
    put(place, h("section", { class: "welcome" }, h("h1", {}, "No model yet"), h("p", { class: "lead" }, "Make one first; the demo takes a few minutes."), h("a", { class: "primary", href: "#/" }, "To the start")));
    return;
  }
  const kept = id ? await get(`/api/chats/${encodeURIComponent(id)}`).catch(() => null) : null;
  if (kept && frame.models.includes(kept.model)) frame.choose(kept.model);
  let talk = kept ? talkFrom(kept) : emptyTalk();
  const settings = { ...SETTINGS, system: talk.turns[0].content };
  let chatId = kept ? id : "";
  /** @type {AbortController | null} */
  let work = null;
  /** What else is known of an answer, by its place. @type {Map<number, {spans?: any[], tokens?: any[]}>} */
  const known = new Map();

  const list = h("div", { class: "talk" });
  const field = h("textarea", { id: "question", rows: 1, placeholder: `Message ${frame.model}`, "aria-label": "Your message", onkeydown: keys, oninput: grow });
  const button = h("button", { type: "submit", class: "primary" }, "Send");
  const side = h("aside", { class: "side", "aria-label": "Settings and sources" });
  put(place, h("div", { class: "chat" }, h("div", { class: "column" }, list, h("form", { class: "ask", onsubmit: ask }, field, button)), side));

  function command() {
    const more = settings.temperature ? ` --temperature ${settings.temperature}` : "";
    frame.command(`groundup chat ${frame.model}${more}`);
  }

  async function paint() {
    const places = path(talk);
    if (!places.length) put(list, await opening());
    else put(list, places.map((at) => turnRow(at, at === talk.leaf)));
    await showSettings();
  }

  async function opening() {
    const { openers } = await get("/api/openers").catch(() => ({ openers: [] }));
    return h(
      "div",
      { class: "opening" },
      h("h1", {}, `Talk to ${frame.model}`),
      h("p", { class: "lead" }, "A small model knows only what it was trained on. Every answer can show why it was given and where its words come from."),
      h("div", { class: "openers" }, openers.map((/** @type {string} */ text) => h("button", { type: "button", class: "opener", onclick: () => say(text) }, text))),
    );
  }

  /**
   * @param {number} at
   * @param {boolean} last
   */
  function turnRow(at, last) {
    const turn = talk.turns[at];
    if (turn.role === "user") {
      const edit = h("button", { type: "button", class: "quiet", onclick: () => editTurn(at, row) }, "Edit");
      const row = h("div", { class: "turn user", "data-place": at }, h("p", {}, turn.content), h("div", { class: "tools" }, edit, branches(at)));
      return row;
    }
    // Side by side: the newest answer of the other model to the same question.
    const rival = siblings(talk, at).findLast((other) => talk.turns[other].model !== turn.model);
    if (!settings.second || rival === undefined || !last) return answerRow(at, last, false);
    const pair = turn.model === settings.second ? [rival, at] : [at, rival];
    return h("div", { class: "pair" }, pair.map((one) => answerRow(one, one === at, true)));
  }

  /**
   * @param {number} at
   * @param {boolean} last
   * @param {boolean} beside
   */
  function answerRow(at, last, beside) {
    const turn = talk.turns[at];
    const { spans, tokens } = known.get(at) ?? {};
    const body = tokens ? sureText(tokens, (token) => put(side, panel("How sure", forget, surePanel(token)))) : spans ? withSpans(turn.content, spans, (span) => point(at, span)) : markdown(turn.content);
    const tool = (/** @type {string} */ label, /** @type {() => any} */ onclick, more = {}) => h("button", { type: "button", class: "quiet", onclick, ...more }, label);
    const thumb = (/** @type {string} */ label, /** @type {"up" | "down"} */ value) => tool(label, () => judge(at, value), { "aria-pressed": String(turn.thumb === value) });
    const tools = h(
      "div",
      { class: "tools" },
      thumb("Good", "up"),
      thumb("Bad", "down"),
      tool("Why", () => why(at)),
      tool("Where from", () => whereFrom(at)),
      tool("How sure", () => howSure(at), { "aria-pressed": String(Boolean(tokens)) }),
      tool("Copy", () => navigator.clipboard.writeText(turn.content).catch(() => {})),
      last && !beside && tool("Again", () => again(at)),
      last && !beside && tool("Continue", () => answer([{ model: turn.model ?? frame.model, at }])),
      beside && !last && tool("Go on with this", () => choose(at)),
      !beside && branches(at),
    );
    const name = (beside || (turn.model && turn.model !== frame.model)) && h("p", { class: "who" }, turn.model ?? frame.model);
    return h("div", { class: `turn assistant${beside && last ? " taken" : ""}`, "data-place": at }, name, h("div", { class: "text" }, body), tools);
  }

  /**
   * Which of the turns at this place is shown, and the way to the others.
   * @param {number} at
   */
  function branches(at) {
    const all = siblings(talk, at);
    const here = all.indexOf(at);
    if (all.length < 2) return null;
    const go = (/** @type {number} */ to, /** @type {string} */ sign, /** @type {string} */ label) => h("button", { type: "button", class: "quiet", "aria-label": label, disabled: to < 0 || to >= all.length, onclick: () => choose(all[to]) }, sign);
    return h("span", { class: "branches" }, go(here - 1, "\u2039", "The one before"), `${here + 1} of ${all.length}`, go(here + 1, "\u203a", "The next one"));
  }

  /** @param {number} at */
  async function choose(at) {
    if (work) return;
    showBranch(talk, at);
    await paint();
    await keep();
  }

  /**
   * @param {number} at
   * @param {HTMLElement} row
   */
  function editTurn(at, row) {
    if (work) return;
    const text = h("textarea", { rows: 3, "aria-label": "Your message, anew" });
    text.value = talk.turns[at].content;
    const form = h("form", { class: "edit", onsubmit: send_ }, text, h("div", { class: "tools" }, h("button", { type: "submit", class: "secondary" }, "Ask anew"), h("button", { type: "button", class: "quiet", onclick: paint }, "Leave it")));
    put(row, form);
    text.focus();

    /** @param {Event} event */
    function send_(event) {
      event.preventDefault();
      if (!text.value.trim()) return;
      add(talk, { role: "user", content: text.value.trim(), parent: talk.turns[at].parent });
      answer(asked());
    }
  }

  /** @param {string} text */
  async function say(text) {
    if (work || !text.trim()) return;
    add(talk, { role: "user", content: text.trim(), parent: talk.leaf });
    await answer(asked());
  }

  /** Who answers the last question, each from its own start. */
  function asked() {
    return [frame.model, ...(settings.second ? [settings.second] : [])].map((model) => ({ model, at: -1 }));
  }

  /** @param {number} at */
  async function again(at) {
    if (work) return;
    settings.seed += 1; // another try must be able to say something else,
    settings.temperature ||= 0.7; // which the likeliest words alone never do
    talk.leaf = talk.turns[at].parent;
    await answer([{ model: frame.model, at: -1 }]);
  }

  /**
   * Let models write, beside each other, from the turn that is shown. at: the answer that is gone on with; -1: a new one.
   * @param {{model: string, at: number}[]} writers
   */
  async function answer(writers) {
    if (work) return;
    work = new AbortController();
    button.textContent = "Stop";
    const from = talk.leaf;
    await paint();
    const rows = writers.map(({ model, at }) => {
      const text = h("div", { class: "text writing" }, at < 0 ? "" : talk.turns[at].content);
      const row = h("div", { class: "turn assistant" }, writers.length > 1 && h("p", { class: "who" }, model), text);
      if (at >= 0) list.querySelector(`[data-place="${at}"]`)?.replaceWith(row);
      return { model, at, text, row, said: "", end: "" };
    });
    if (rows.some((row) => row.at < 0)) list.append(rows.length > 1 ? h("div", { class: "pair" }, rows.map((one) => one.row)) : rows[0].row);
    rows[0].text.scrollIntoView({ block: "nearest" });
    await Promise.all(rows.map((row) => write(row, from, /** @type {AbortController} */ (work).signal)));
    work = null;
    button.textContent = "Send";
    for (const { model, at, said } of rows) {
      if (at >= 0) {
        talk.turns[at].content += said;
        known.delete(at);
      } else if (said) add(talk, { role: "assistant", content: said, parent: from, model });
    }
    const own = talk.turns.findLastIndex((turn) => turn.parent === from && turn.model === frame.model);
    if (rows.length > 1 && own > 0) talk.leaf = own;
    await paint();
    const ends = rows.map((row) => (rows.length > 1 ? `${row.model}: ${row.end}` : row.end)).join("; ");
    list.append(h("p", { class: "why end" }, ends));
    announce(rows.map((row) => (row.said ? `The model said: ${row.said}` : row.end)).join(" "));
    await keep();
  }

  /**
   * @param {{model: string, at: number, text: HTMLElement, said: string, end: string}} row
   * @param {number} from
   * @param {AbortSignal} signal
   */
  async function write(row, from, signal) {
    const { temperature, top_p, max_tokens, seed } = settings;
    const goOn = row.at >= 0 ? { continue_final_message: true } : {};
    const started = performance.now();
    try {
      const request = { model: row.model, messages: messages(talk, from), seed, temperature, top_p, max_tokens, ...goOn };
      const done = await stream(request, (piece) => {
        row.said += piece;
        row.text.append(piece);
        row.text.scrollIntoView({ block: "nearest" });
      }, signal);
      const seconds = (performance.now() - started) / 1000;
      row.end = `${done.tokens} tokens, ${number(done.tokens / seconds)} a second${done.finish === "length" ? "; stopped at its longest" : ""}`;
    } catch (error) {
      row.end = signal.aborted ? "Stopped." : /** @type {Error} */ (error).message;
    }
  }

  async function keep() {
    if (!path(talk).length) return;
    const fresh = !chatId;
    chatId ||= crypto.randomUUID ? crypto.randomUUID() : `chat-${Date.now()}`;
    await send("PUT", `/api/chats/${chatId}`, asFile()).catch(() => {});
    if (fresh) history.replaceState(null, "", `#/chat/${chatId}`);
  }

  function asFile() {
    return { model: frame.model, messages: talk.turns, leaf: talk.leaf };
  }

  /** @param {any} file */
  async function bringIn(file) {
    const brought = talkFrom(file);
    const model = frame.models.includes(file.model) ? file.model : frame.model;
    const fresh = crypto.randomUUID ? crypto.randomUUID() : `chat-${Date.now()}`;
    await send("PUT", `/api/chats/${fresh}`, { model, messages: brought.turns, leaf: brought.leaf });
    location.hash = `#/chat/${fresh}`;
  }

  /**
   * @param {number} at
   * @param {"up" | "down"} thumb
   */
  async function judge(at, thumb) {
    const turn = talk.turns[at];
    if (turn.thumb === thumb) delete turn.thumb;
    else turn.thumb = thumb;
    for (const one of list.querySelectorAll(`[data-place="${at}"] .tools button`)) {
      if (["Good", "Bad"].includes(one.textContent ?? "")) one.setAttribute("aria-pressed", String(turn.thumb === (one.textContent === "Good" ? "up" : "down")));
    }
    await keep();
  }

  /** @param {number} at */
  async function whereFrom(at) {
    await beside("Where from", "Looking in the training text ...", async () => {
      const turn = talk.turns[at];
      const { spans } = await send("POST", "/api/sources", { model: turn.model ?? frame.model, text: turn.content });
      known.set(at, { spans });
      await paint();
      point(at, 0);
      frame.command(`groundup explain ${turn.model ?? frame.model} --sources --text ${quoted(turn.content)}`);
    });
  }

  /** @param {number} at */
  async function why(at) {
    const turn = talk.turns[at];
    const question = talk.turns[turn.parent].content;
    await beside("Why", "Asking the model ...", async () => {
      put(side, panel("Why", () => showSettings(), await whyPanel(turn.model ?? frame.model, question, turn.content)));
      frame.command(`groundup explain ${turn.model ?? frame.model} --prompt ${quoted(question)}`);
    });
  }

  /** @param {number} at */
  async function howSure(at) {
    if (known.get(at)?.tokens) return forget();
    await beside("How sure", "Reading the answer again ...", async () => {
      const turn = talk.turns[at];
      const { tokens } = await send("POST", "/api/sureness", { model: turn.model ?? frame.model, messages: messages(talk, at) });
      known.set(at, { tokens });
      await paint();
      put(side, panel("How sure", forget, surePanel(undefined)));
      /** @type {HTMLElement | null} */ (list.querySelector(`[data-place="${at}"] .sure`))?.focus({ preventScroll: true });
    });
  }

  async function forget() {
    known.clear();
    await paint();
  }

  /**
   * Do something that fills the side, with its error there.
   * @param {string} title
   * @param {string} meanwhile
   * @param {() => Promise<void>} doIt
   */
  async function beside(title, meanwhile, doIt) {
    put(side, h("h2", {}, title), h("p", { class: "why" }, meanwhile));
    try {
      await doIt();
    } catch (error) {
      put(side, panel(title, () => showSettings(), h("p", { class: "problem", role: "alert" }, /** @type {Error} */ (error).message)));
    }
    side.scrollIntoView({ block: "nearest" });
  }

  /**
   * @param {number} at
   * @param {number} span
   */
  function point(at, span) {
    put(side, sourcesPanel(known.get(at)?.spans ?? [], span, () => showSettings()));
    for (const mark of list.querySelectorAll("mark")) mark.classList.remove("chosen");
    list.querySelectorAll(`[data-place="${at}"] mark`)[span]?.classList.add("chosen");
  }

  async function showSettings() {
    const form = settingsForm(settings, frame, () => {
      talk.turns[0].content = settings.system;
      command();
    });
    const past = h("div", { class: "past" });
    put(side, form, past);
    put(past, await keptChats(chatId, path(talk).length > 0, asFile, bringIn));
  }

  /** @param {Event} event */
  function ask(event) {
    event.preventDefault();
    if (work) {
      work.abort();
      return;
    }
    const text = field.value;
    field.value = "";
    grow();
    say(text);
  }

  /** @param {KeyboardEvent} event */
  function keys(event) {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) ask(event);
    if (event.key === "Escape") work?.abort();
  }

  function grow() {
    field.style.height = "auto";
    field.style.height = `${Math.min(field.scrollHeight, 200)}px`;
  }

  command();
  await paint();
  field.focus();
  return () => work?.abort();
}
