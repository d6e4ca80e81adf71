// Chat: answers as they are written, stop and again, and for every answer where its words stand in the training text.

import { get, send, stream } from "./api.js";
import { announce, h, number, put, when } from "./dom.js";
import { markdown } from "./markdown.js";
import { sourcesPanel, withSpans } from "./sources.js";

/** @typedef {{role: string, content: string, spans?: any[]}} Turn */

const SETTINGS = { temperature: 0, top_p: 1, max_tokens: 128, seed: 0, system: "" };

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
  const settings = { ...SETTINGS };
  /** @type {Turn[]} */
  let turns = kept?.messages ?? [];
  if (kept && frame.models.includes(kept.model)) frame.choose(kept.model);
  if (turns[0]?.role === "system") settings.system = turns.shift()?.content ?? "";
  let chatId = kept ? id : "";
  /** @type {AbortController | null} */
  let work = null;

  const talk = h("div", { class: "talk" });
  const field = h("textarea", { id: "question", rows: 1, placeholder: `Message ${frame.model}`, "aria-label": "Your message", onkeydown: keys, oninput: grow });
  const button = h("button", { type: "submit", class: "primary" }, "Send");
  const form = h("form", { class: "ask", onsubmit: ask }, field, button);
  const side = h("aside", { class: "side", "aria-label": "Settings and sources" });
  put(place, h("div", { class: "chat" }, h("div", { class: "column" }, talk, form), side));

  function command() {
    const more = settings.temperature ? ` --temperature ${settings.temperature}` : "";
    frame.command(`groundup chat ${frame.model}${more}`);
  }

  async function paint() {
    if (!turns.length) put(talk, await opening());
    else put(talk, turns.map(turnRow));
    showSide();
  }

  async function opening() {
    const { openers } = await get("/api/openers").catch(() => ({ openers: [] }));
    return h(
      "div",
      { class: "opening" },
      h("h1", {}, `Talk to ${frame.model}`),
      h("p", { class: "lead" }, "A small model knows only what it was trained on. Every answer can show where its words come from."),
      h("div", { class: "openers" }, openers.map((/** @type {string} */ text) => h("button", { type: "button", class: "opener", onclick: () => say(text) }, text))),
    );
  }

  /**
   * @param {Turn} turn
   * @param {number} index
   */
  function turnRow(turn, index) {
    if (turn.role === "user") return h("div", { class: "turn user" }, h("p", {}, turn.content));
    const text = h("div", { class: "text" }, turn.spans ? withSpans(turn.content, turn.spans, (span) => point(index, span)) : markdown(turn.content));
    const last = index === turns.length - 1;
    const tools = h(
      "div",
      { class: "tools" },
      h("button", { type: "button", class: "quiet where", onclick: () => whereFrom(index) }, "Where from"),
      h("button", { type: "button", class: "quiet", onclick: () => navigator.clipboard.writeText(turn.content).catch(() => {}) }, "Copy"),
      last && h("button", { type: "button", class: "quiet", onclick: again }, "Again"),
    );
    return h("div", { class: "turn assistant" }, text, tools);
  }

  /** @param {string} text */
  async function say(text) {
    if (work || !text.trim()) return;
    turns.push({ role: "user", content: text.trim() });
    await answer();
  }

  async function again() {
    if (work) return;
    turns.pop();
    settings.seed += 1; // another try must be able to say something else
    await answer();
  }

  async function answer() {
    work = new AbortController();
    button.textContent = "Stop";
    await paint();
    const text = h("div", { class: "text writing" });
    const speed = h("p", { class: "why" });
    talk.append(h("div", { class: "turn assistant" }, text, speed));
    text.scrollIntoView({ block: "nearest" });
    const started = performance.now();
    let said = "";
    let end = "";
    try {
      const { system, seed, ...sampling } = settings;
      const messages = [...(system ? [{ role: "system", content: system }] : []), ...turns.map(({ role, content }) => ({ role, content }))];
      const done = await stream({ model: frame.model, messages, seed, ...sampling }, (piece) => {
        said += piece;
        text.append(piece);
        text.scrollIntoView({ block: "nearest" });
      }, work.signal);
      const seconds = (performance.now() - started) / 1000;
      end = `${done.tokens} tokens, ${number(done.tokens / seconds)} a second${done.finish === "length" ? "; stopped at its longest" : ""}`;
    } catch (error) {
      end = work.signal.aborted ? "Stopped." : /** @type {Error} */ (error).message;
      if (!work.signal.aborted && !said) turns.pop();
    }
    work = null;
    button.textContent = "Send";
    if (said) turns.push({ role: "assistant", content: said });
    await paint();
    talk.append(h("p", { class: "why end" }, end));
    announce(said ? `The model said: ${said}` : end);
    await keep();
  }

  async function keep() {
    if (!turns.length) return;
    const fresh = !chatId;
    chatId ||= crypto.randomUUID ? crypto.randomUUID() : `chat-${Date.now()}`;
    const messages = [...(settings.system ? [{ role: "system", content: settings.system }] : []), ...turns.map(({ role, content }) => ({ role, content }))];
    await send("PUT", `/api/chats/${chatId}`, { model: frame.model, messages }).catch(() => {});
    if (fresh) history.replaceState(null, "", `#/chat/${chatId}`);
  }

  /** @param {number} index */
  async function whereFrom(index) {
    const turn = turns[index];
    put(side, h("h2", {}, "Where from"), h("p", { class: "why" }, "Looking in the training text ..."));
    try {
      turn.spans ??= (await send("POST", "/api/sources", { model: frame.model, text: turn.content })).spans;
      await paint();
      point(index, 0);
      frame.command(`groundup explain ${frame.model} --sources --text ${quoted(turn.content)}`);
    } catch (error) {
      put(side, h("h2", {}, "Where from"), h("p", { class: "problem" }, /** @type {Error} */ (error).message));
    }
    side.scrollIntoView({ block: "nearest" });
  }

  /**
   * @param {number} index
   * @param {number} span
   */
  function point(index, span) {
    put(side, sourcesPanel(turns[index].spans ?? [], span, () => showSide()));
    for (const mark of talk.querySelectorAll("mark")) mark.classList.remove("chosen");
    talk.querySelectorAll(".turn")[index]?.querySelectorAll("mark")[span]?.classList.add("chosen");
  }

  async function showSide() {
    const system = h("textarea", { rows: 2, oninput: (/** @type {any} */ event) => (settings.system = event.target.value) });
    system.value = settings.system;
    put(
      side,
      h("h2", {}, "Settings"),
      slider("Temperature", "temperature", 0, 1.5, 0.1, "0 is always the likeliest word"),
      slider("Top p", "top_p", 0.1, 1, 0.05, "keep the likeliest words up to this share"),
      slider("Longest answer", "max_tokens", 16, 512, 16, "tokens"),
      slider("Seed", "seed", 0, 99, 1, "the same seed, the same answer"),
      h("label", { class: "setting" }, h("span", {}, "System prompt"), system),
      h("div", { class: "past" }),
    );
    const { chats } = await get("/api/chats").catch(() => ({ chats: [] }));
    const rows = chats.slice(0, 8).map((/** @type {any} */ one) =>
      h("li", {}, h("a", { href: `#/chat/${one.id}`, "aria-current": one.id === chatId }, one.title), h("small", {}, `${one.model}, ${when(one.changed)}`)),
    );
    const past = side.querySelector(".past");
    if (past && rows.length) put(past, h("h2", {}, "Conversations"), h("ul", {}, rows), turns.length ? h("a", { href: "#/chat", class: "new" }, "New conversation") : null);
  }

  /**
   * @param {string} label
   * @param {"temperature" | "top_p" | "max_tokens" | "seed"} name
   * @param {number} min
   * @param {number} max
   * @param {number} step
   * @param {string} words
   */
  function slider(label, name, min, max, step, words) {
    const shown = h("output", {}, String(settings[name]));
    const input = h("input", { type: "range", min, max, step, value: settings[name], name, "aria-label": `${label}: ${words}` });
    input.value = String(settings[name]);
    input.addEventListener("input", () => {
      settings[name] = Number(input.value);
      shown.textContent = input.value;
      command();
    });
    return h("label", { class: "setting" }, h("span", {}, label, shown), input, h("small", {}, words));
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
