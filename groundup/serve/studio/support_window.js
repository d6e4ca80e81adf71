// The window of customer service on another site's page. The key behind the # may only chat.

import { h, put } from "./dom.js";

const key = decodeURIComponent(location.hash.slice(1));
/** @type {any} */
let state = null;
const talk = h("div", { class: "talk" });
const field = h("input", { "aria-label": "Your message", placeholder: "Ask us", autocomplete: "off" });
put(
  /** @type {Element} */ (document.getElementById("page")),
  h("div", { class: "column" }, talk, h("form", { class: "ask", onsubmit: ask }, field, h("button", { type: "submit", class: "primary" }, "Send"))),
);

/** @param {Event} event */
async function ask(event) {
  event.preventDefault();
  const text = field.value.trim();
  if (!text) return;
  field.value = "";
  talk.append(h("div", { class: "turn user" }, h("p", {}, text)));
  const answer = h("div", { class: "turn assistant", role: "status" }, "...");
  talk.append(answer);
  try {
    const headers = { "content-type": "application/json", ...(key ? { authorization: `Bearer ${key}` } : {}) };
    const reply = await fetch("/api/apps/support/ask", { method: "POST", headers, body: JSON.stringify({ text, state }) });
    const made = await reply.json();
    if (!reply.ok) throw new Error(made.error?.message ?? "That did not work.");
    state = made.state;
    put(answer, h("div", { class: "text" }, made.text));
  } catch (error) {
    put(answer, h("p", { class: "problem", role: "alert" }, /** @type {Error} */ (error).message));
  }
  answer.scrollIntoView({ block: "nearest" });
}
