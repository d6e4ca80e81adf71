// The server as functions. Errors become Error with the server's own words.

/**
 * @param {Response} response
 */
async function read(response) {
  const value = await response.json().catch(() => null);
  if (response.ok) return value;
  if (response.status === 401) window.dispatchEvent(new Event("key-wanted"));
  throw new Error(value?.error?.message ?? `The server answered ${response.status}.`);
}

/**
 * @param {string} path
 * @returns {Promise<any>}
 */
export async function get(path) {
  return read(await fetch(path));
}

/**
 * @param {string} method
 * @param {string} path
 * @param {any} [body]
 * @returns {Promise<any>}
 */
export async function send(method, path, body) {
  const json = body === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  return read(await fetch(path, { method, ...json }));
}

/**
 * Keep a file in a project.
 * @param {string} project
 * @param {File} file
 */
export async function upload(project, file) {
  const path = `/api/projects/${encodeURIComponent(project)}/files/${encodeURIComponent(file.name)}`;
  return read(await fetch(path, { method: "PUT", headers: { "content-type": "application/octet-stream" }, body: file }));
}

/**
 * The assistant's next turn as it is written.
 * @param {any} request  fields of POST /v1/chat/completions
 * @param {(text: string) => void} onText
 * @param {AbortSignal} signal
 * @returns {Promise<{finish: string, tokens: number}>}
 */
export async function stream(request, onText, signal) {
  const body = JSON.stringify({ ...request, stream: true, stream_options: { include_usage: true } });
  const headers = { "content-type": "application/json" };
  const response = await fetch("/v1/chat/completions", { method: "POST", headers, body, signal });
  if (!response.ok || !response.body) await read(response);
  const result = { finish: "", tokens: 0 };
  for await (const data of events(/** @type {any} */ (response.body))) {
    if (data === "[DONE]") break;
    const chunk = JSON.parse(data);
    if (chunk.error) throw new Error(chunk.error.message);
    if (chunk.usage) result.tokens = chunk.usage.completion_tokens;
    for (const choice of chunk.choices ?? []) {
      if (choice.delta?.content) onText(choice.delta.content);
      if (choice.finish_reason) result.finish = choice.finish_reason;
    }
  }
  return result;
}

/**
 * The data of server-sent events in a body.
 * @param {ReadableStream<Uint8Array>} body
 */
async function* events(body) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      text += decoder.decode(value, { stream: !done });
      const parts = text.split("\n\n");
      text = parts.pop() ?? "";
      for (const part of parts) {
        const data = part.split("\n").filter((line) => line.startsWith("data: ")).map((line) => line.slice(6));
        if (data.length) yield data.join("\n");
      }
      if (done) return;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
