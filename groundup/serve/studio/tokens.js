// How tokens look: spaces made visible, shares as people read them, a colour for surprise.

const SURPRISE = 7; // nats at which the colour is full; ln(2048) = 7.6 is guessing in the demo's vocabulary

/** @param {number} value  a share of one */
export function percent(value) {
  return value === 0 ? "0 %" : value < 0.001 ? "< 0.1 %" : `${(value * 100).toFixed(1)} %`;
}

/** @param {string} text */
export function visible(text) {
  return text.replaceAll("\n", "\u21b5").replaceAll(" ", "\u00b7") || "\u2205";
}

/**
 * From 0 (certain, or unknown) to 8 (a guess).
 * @param {number | null} probability
 */
export function shade(probability) {
  return probability === null ? 0 : Math.min(8, Math.round((-Math.log(Math.max(probability, 1e-9)) / SURPRISE) * 8));
}
