// Files of a project: dropped or chosen, sent one after the other, listed, taken out again.

import { get, send, upload } from "./api.js";
import { announce, h, number, put } from "./dom.js";

/**
 * @param {() => string} project  its name when a file comes
 * @param {(files: any[]) => void} onChange
 */
export function fileDrop(project, onChange) {
  const list = h("ul", { class: "files" });
  const problem = h("p", { class: "problem", role: "alert" });
  const input = h("input", { type: "file", multiple: true, class: "unseen", onchange: () => take(input.files), "aria-label": "Choose files" });
  const zone = h(
    "div",
    { class: "drop", ondragover: over, ondragleave: () => zone.classList.remove("over"), ondrop: drop },
    h("p", {}, h("b", {}, "Drop files here"), " or "),
    h("label", { class: "choose" }, input, h("span", { class: "button" }, "choose files")),
    h("p", { class: "why" }, "Text, Markdown, HTML, PDF, Word, CSV, JSON and more. They stay on this machine."),
  );

  /** @param {DragEvent} event */
  function over(event) {
    event.preventDefault();
    zone.classList.add("over");
  }

  /** @param {DragEvent} event */
  function drop(event) {
    event.preventDefault();
    zone.classList.remove("over");
    take(event.dataTransfer?.files);
  }

  /** @param {FileList | null | undefined} files */
  async function take(files) {
    problem.textContent = "";
    const failed = [];
    let sent = 0;
    for (const file of Array.from(files ?? [])) {
      put(list, h("li", { class: "why" }, `sending ${file.name} ...`));
      try {
        await upload(project(), file);
        sent += 1;
      } catch (error) {
        failed.push(`${file.name}: ${/** @type {Error} */ (error).message}`);
      }
    }
    problem.textContent = failed.join("\n");
    await show();
    announce(`${sent} files are there.`);
  }

  /** @param {string} name */
  async function remove(name) {
    await send("DELETE", `/api/projects/${encodeURIComponent(project())}/files/${encodeURIComponent(name)}`);
    await show();
  }

  async function show() {
    const { files } = await get(`/api/projects/${encodeURIComponent(project())}`);
    put(
      list,
      files.slice(0, 30).map((/** @type {any} */ file) =>
        h(
          "li",
          {},
          h("span", {}, file.name),
          h("small", {}, size(file.bytes)),
          h("button", { type: "button", class: "quiet", "aria-label": `Take out ${file.name}`, onclick: () => remove(file.name) }, "Take out"),
        ),
      ),
      files.length > 30 && h("li", { class: "why" }, `and ${number(files.length - 30)} more`),
    );
    onChange(files);
  }

  return { element: h("div", {}, zone, problem, list), show };
}

/** @param {number} bytes */
function size(bytes) {
  if (bytes < 1000) return `${bytes} bytes`;
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(0)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
