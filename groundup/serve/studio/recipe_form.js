// A form made from the recipe's JSON schema: every table folds open, every key says what it is, what it may be and what it
// is when left alone. Only what was set stands in the values, so that the TOML stays short.

import { h } from "./dom.js";

/** @typedef {Record<string, any>} Schema */

/**
 * @param {Schema} schema  of the whole recipe, with $defs
 * @param {Record<string, any>} values  changed in place
 * @param {() => void} onChange
 */
export function recipeForm(schema, values, onChange) {
  return h("div", { class: "recipe-form" }, fields(schema, schema, values, onChange, ""));
}

/**
 * @param {Schema} root
 * @param {Schema} table
 * @param {Record<string, any>} values
 * @param {() => void} onChange
 * @param {string} address
 */
function fields(root, table, values, onChange, address) {
  const entries = Object.entries(table.properties ?? {}).map(([key, given]) => [key, resolved(root, given)]);
  const plain = entries.filter(([key, one]) => !one.properties && !isNamed(root, one) && !(address === "" && key === "name"));
  const tables = entries.filter(([, one]) => one.properties || isNamed(root, one));
  return [
    plain.map(([key, one]) => field(key, one, values, onChange)),
    tables.map(([key, one]) => (one.properties ? fold(root, key, one, values, onChange, address) : named(root, key, one, values, onChange, address))),
    // A table that takes further tables of any name, as the steps of tuning.
    typeof table.additionalProperties === "object" && table.properties && freeTables(root, table, values, onChange, address),
  ];
}

/**
 * @param {Schema} root
 * @param {Schema} one
 */
function resolved(root, one) {
  if (one.$ref) return { ...root.$defs[one.$ref.split("/").pop()], ...without(one, "$ref") };
  const choice = one.anyOf?.find((/** @type {Schema} */ other) => other.type !== "null");
  if (choice?.$ref) return { ...root.$defs[choice.$ref.split("/").pop()], ...without(one, "anyOf") };
  return choice ? { ...choice, ...without(one, "anyOf") } : one;
}

/**
 * @param {Schema} one
 * @param {string} name
 */
function without(one, name) {
  return Object.fromEntries(Object.entries(one).filter(([key]) => key !== name));
}

/**
 * A table of tables with free names: [collect.NAME].
 * @param {Schema} root
 * @param {Schema} one
 */
function isNamed(root, one) {
  const inner = one.additionalProperties;
  return typeof inner === "object" && Boolean(resolved(root, inner).properties);
}

/**
 * A folded table; open where something is set in it.
 * @param {Schema} root
 * @param {string} key
 * @param {Schema} one
 * @param {Record<string, any>} values
 * @param {() => void} onChange
 * @param {string} address
 */
function fold(root, key, one, values, onChange, address) {
  const here = address ? `${address}.${key}` : key;
  const inner = values[key] ?? {};
  const changed = () => {
    if (Object.keys(inner).length) values[key] = inner;
    else delete values[key];
    onChange();
  };
  const body = h("div", { class: "fields" });
  const made = h("details", { open: Boolean(values[key]) && !address, ontoggle: fill }, h("summary", {}, h("code", {}, `[${here}]`), one.description && h("span", { class: "why" }, ` ${one.description}`)), body);
  // A table's fields are made when it is first opened: there are some hundred of them.
  function fill() {
    if (made.open && !body.childElementCount) body.append(...flat(fields(root, one, inner, changed, here)));
  }
  fill();
  return made;
}

/**
 * @param {any} items
 * @returns {Node[]}
 */
function flat(items) {
  return [items].flat(Infinity).filter((item) => item instanceof Node);
}

/**
 * @param {Schema} root
 * @param {string} key
 * @param {Schema} one
 * @param {Record<string, any>} values
 * @param {() => void} onChange
 * @param {string} address
 */
function named(root, key, one, values, onChange, address) {
  const here = address ? `${address}.${key}` : key;
  const inner = (values[key] ??= {});
  const table = resolved(root, one.additionalProperties);
  return h("div", { class: "named" }, Object.keys(inner).map((name) => fold(root, name, table, inner, onChange, here)), adder(here, (name) => fold(root, name, table, Object.assign(inner, { [name]: {} }), onChange, here)));
}

/**
 * @param {Schema} root
 * @param {Schema} table
 * @param {Record<string, any>} values
 * @param {() => void} onChange
 * @param {string} address
 */
function freeTables(root, table, values, onChange, address) {
  const inner = resolved(root, table.additionalProperties);
  const there = Object.keys(values).filter((name) => !(name in table.properties));
  return h("div", { class: "named" }, there.map((name) => fold(root, name, inner, values, onChange, address)), adder(address, (name) => fold(root, name, inner, Object.assign(values, { [name]: {} }), onChange, address)));
}

/**
 * A name and a button that adds a table of that name.
 * @param {string} address
 * @param {(name: string) => HTMLElement} make
 */
function adder(address, make) {
  const name = h("input", { type: "text", placeholder: "name", "aria-label": `Name of a new part of ${address}`, pattern: "[a-z0-9_-]{1,40}" });
  const button = h("button", { type: "button", class: "quiet", onclick: () => {
    if (!/^[a-z0-9_-]{1,40}$/.test(name.value)) return name.focus();
    line.before(make(name.value));
    name.value = "";
  } }, `Add to [${address}]`);
  const line = h("div", { class: "adder" }, name, button);
  return line;
}

/**
 * One key.
 * @param {string} key
 * @param {Schema} one
 * @param {Record<string, any>} values
 * @param {() => void} onChange
 */
function field(key, one, values, onChange) {
  const left = one.default === undefined || one.default === null ? "" : shown(one.default);
  const [input, read] = control(one, values[key], left);
  const problem = h("small", { class: "problem" });
  input.addEventListener("change", () => {
    try {
      const value = read();
      problem.textContent = "";
      if (value === undefined) delete values[key];
      else values[key] = value;
      onChange();
    } catch (error) {
      problem.textContent = /** @type {Error} */ (error).message;
    }
  });
  return h("label", { class: "key" }, h("span", {}, h("code", {}, key)), input, h("small", {}, one.description ?? "", left && h("span", { class: "default" }, ` Left alone: ${left}`)), problem);
}

/**
 * The element that takes a value, and how it is read: undefined when it was left alone. Reading may throw.
 * @param {Schema} one
 * @param {any} value
 * @param {string} left
 * @returns {[any, () => any]}
 */
function control(one, value, left) {
  const text = value === undefined ? "" : shown(value);
  if (one.type === "boolean" || one.enum) {
    const choices = one.enum ?? ["true", "false"];
    const input = h("select", {}, h("option", { value: "" }, left ? `(${left})` : "(left alone)"), choices.map((/** @type {any} */ choice) => h("option", { value: String(choice) }, String(choice))));
    input.value = value === undefined ? "" : String(value);
    return [input, () => (input.value === "" ? undefined : one.enum ? choices.find((/** @type {any} */ choice) => String(choice) === input.value) : input.value === "true")];
  }
  if (one.type === "integer" || one.type === "number") {
    const input = h("input", { type: "number", step: one.type === "integer" ? 1 : "any", min: one.minimum, max: one.maximum, placeholder: left, value: text });
    return [input, () => (input.value === "" ? undefined : Number(input.value))];
  }
  if (one.type === "array" || one.type === "object") {
    const input = h("textarea", { rows: 1, placeholder: left || (one.type === "array" ? '["a", "b"]' : '{"name": 1}'), spellcheck: "false" });
    input.value = text;
    return [input, () => (input.value.trim() ? listOrTable(input.value, one.type) : undefined)];
  }
  const input = h("input", { type: "text", placeholder: left, spellcheck: "false", value: text });
  // A key that takes texts, numbers or lists is read as JSON where it looks like that.
  return [input, () => (input.value === "" ? undefined : one.type === "string" ? input.value : anyValue(input.value))];
}

/**
 * @param {string} text
 * @param {string} type
 */
function listOrTable(text, type) {
  if (type === "array" && !text.trim().startsWith("[")) return text.split(",").map((part) => part.trim()).filter(Boolean);
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(type === "array" ? 'Write it as ["a", "b"], or a, b' : 'Write it as {"name": 1}');
  }
}

/** @param {string} text */
function anyValue(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** @param {any} value */
function shown(value) {
  return typeof value === "string" ? value : JSON.stringify(value);
}
