// A conversation as a tree: a question can be asked anew and an answer given twice; one branch of it is shown.
// Turn 0 is the system prompt, maybe empty. Every turn names the place of the one before it.

/** @typedef {{role: string, content: string, parent: number, model?: string, thumb?: "up" | "down"}} Turn */
/** @typedef {{turns: Turn[], leaf: number}} Talk  leaf: the last turn that is shown */

/** @returns {Talk} */
export function emptyTalk() {
  return { turns: [{ role: "system", content: "", parent: -1 }], leaf: 0 };
}

/**
 * A kept (or brought in) conversation; one without parents is a single branch.
 * @param {any} kept
 * @returns {Talk}
 */
export function talkFrom(kept) {
  /** @type {Turn[]} */
  const given = kept.messages.map((/** @type {any} */ turn, /** @type {number} */ place) => ({ ...turn, parent: turn.parent ?? place - 1 }));
  const without = given[0]?.role !== "system";
  const turns = without ? [...emptyTalk().turns, ...given.map((turn) => ({ ...turn, parent: turn.parent + 1 }))] : given;
  const leaf = kept.leaf >= 0 ? kept.leaf + (without ? 1 : 0) : turns.length - 1;
  return { turns, leaf: Math.min(leaf, turns.length - 1) };
}

/**
 * The places of the turns from the first question to `leaf`.
 * @param {Talk} talk
 * @param {number} [leaf]
 */
export function path(talk, leaf = talk.leaf) {
  const places = [];
  for (let at = leaf; at > 0; at = talk.turns[at].parent) places.push(at);
  return places.reverse();
}

/**
 * What is sent: the system prompt where there is one, then the branch.
 * @param {Talk} talk
 * @param {number} [leaf]
 */
export function messages(talk, leaf = talk.leaf) {
  const system = talk.turns[0].content.trim() ? [0] : [];
  return [...system, ...path(talk, leaf)].map((place) => ({ role: talk.turns[place].role, content: talk.turns[place].content }));
}

/**
 * The turns that could stand at this place, this one included.
 * @param {Talk} talk
 * @param {number} place
 */
export function siblings(talk, place) {
  const { role, parent } = talk.turns[place];
  return talk.turns.flatMap((turn, index) => (turn.parent === parent && turn.role === role && index > 0 ? [index] : []));
}

/**
 * Add a turn and show it; returns its place.
 * @param {Talk} talk
 * @param {Turn} turn
 */
export function add(talk, turn) {
  talk.turns.push(turn);
  talk.leaf = talk.turns.length - 1;
  return talk.leaf;
}

/**
 * Show the branch through a turn, down to its newest end.
 * @param {Talk} talk
 * @param {number} place
 */
export function showBranch(talk, place) {
  talk.leaf = place;
  for (;;) {
    const next = talk.turns.findLastIndex((turn, index) => turn.parent === talk.leaf && index > talk.leaf);
    if (next < 0) return;
    talk.leaf = next;
  }
}
