// A live curve: the raw values faint, the smooth line over them. Positions stretch, strokes and labels keep their size.

import { h, number, put, s } from "./dom.js";

/** @typedef {[number, number]} Point */

const MOST = 500; // points drawn; more than the pixels of a phone

/**
 * Exponential moving average that follows closely at the start.
 * @param {Point[]} points
 * @returns {Point[]}
 */
export function smooth(points) {
  let mean = 0;
  return points.map(([x, y], index) => {
    const weight = Math.min(0.95, index / (index + 8));
    mean = weight * mean + (1 - weight) * y;
    return [x, mean];
  });
}

/**
 * Few points, keeping the extremes of each bucket, so that a spike stays visible.
 * @param {Point[]} points
 * @returns {Point[]}
 */
export function thin(points) {
  if (points.length <= MOST) return points;
  const size = Math.ceil(points.length / (MOST / 2));
  /** @type {Point[]} */
  const kept = [];
  for (let start = 0; start < points.length; start += size) {
    const bucket = points.slice(start, start + size);
    const low = bucket.reduce((a, b) => (b[1] < a[1] ? b : a));
    const high = bucket.reduce((a, b) => (b[1] > a[1] ? b : a));
    kept.push(...(low[0] <= high[0] ? [low, high] : [high, low]));
  }
  return kept;
}

/**
 * Draw a curve into a place.
 * @param {HTMLElement} place
 * @param {{title: string, unit: string, points: Point[], end?: number, smooth?: boolean}} what  end: the last step planned
 */
export function draw(place, what) {
  const points = what.points;
  if (points.length < 2) {
    put(place);
    return;
  }
  const line = what.smooth === false ? points : smooth(points);
  const ys = points.map((point) => point[1]);
  const low = Math.min(...ys);
  const high = Math.max(...ys);
  const pad = (high - low) * 0.06 || 0.1;
  const [bottom, top] = [low - pad, high + pad];
  const first = points[0][0];
  const last = Math.max(what.end ?? 0, points[points.length - 1][0], first + 1);
  const text = (/** @type {Point[]} */ part) =>
    thin(part)
      .map(([x, y]) => `${(((x - first) / (last - first)) * 1000).toFixed(1)},${(((top - y) / (top - bottom)) * 1000).toFixed(1)}`)
      .join(" ");
  const marks = ticks(bottom, top);
  const plot = s(
    "svg",
    { viewBox: "0 0 1000 1000", preserveAspectRatio: "none", role: "img", "aria-label": `${what.title}: now ${number(line[line.length - 1][1])}` },
    marks.map((value) => s("line", { class: "grid", x1: 0, x2: 1000, y1: at(value), y2: at(value) })),
    what.smooth !== false && s("polyline", { class: "curve faint", points: text(points) }),
    s("polyline", { class: "curve", points: text(line) }),
  );
  /** @param {number} value */
  function at(value) {
    return (((top - value) / (top - bottom)) * 1000).toFixed(1);
  }
  const labels = marks.map((value) => {
    const label = h("span", {}, number(Number(value.toFixed(6))));
    label.style.top = `${Number(at(value)) / 10}%`;
    return label;
  });
  put(
    place,
    h("figcaption", {}, h("b", {}, what.title), h("span", {}, `${what.unit}, now `, h("b", {}, number(line[line.length - 1][1])))),
    h("div", { class: "y-axis", "aria-hidden": "true" }, labels),
    h("div", { class: "plot" }, plot),
    h("div", { class: "x-axis", "aria-hidden": "true" }, h("span", {}, number(first)), h("span", {}, `step ${number(last)}`)),
  );
}

/**
 * Several curves in one picture, told apart by colour and by dashes.
 * @param {HTMLElement} place
 * @param {{title: string, unit: string, series: {name: string, points: Point[]}[], smooth: boolean}} what
 */
export function drawSeveral(place, what) {
  const series = what.series.filter((one) => one.points.length > 1);
  if (!series.length) return put(place);
  const lines = series.map((one) => (what.smooth ? smooth(one.points) : one.points));
  const [xs, ys] = [0, 1].map((axis) => lines.flat().map((point) => point[axis]));
  const [first, last] = [Math.min(...xs), Math.max(...xs, Math.min(...xs) + 1)];
  const [low, high] = [Math.min(...ys), Math.max(...ys)];
  const pad = (high - low) * 0.06 || 0.1;
  const at = (/** @type {number} */ value) => (((high + pad - value) / (high - low + 2 * pad)) * 1000).toFixed(1);
  const text = (/** @type {Point[]} */ part) => thin(part).map(([x, y]) => `${(((x - first) / (last - first)) * 1000).toFixed(1)},${at(y)}`).join(" ");
  const marks = ticks(low - pad, high + pad);
  const ends = series.map((one, index) => `${one.name} ${number(lines[index][lines[index].length - 1][1])}`);
  const labels = marks.map((value) => {
    const label = h("span", {}, number(Number(value.toFixed(6))));
    label.style.top = `${Number(at(value)) / 10}%`;
    return label;
  });
  put(
    place,
    h("figcaption", {}, h("b", {}, what.title), h("span", {}, `${what.unit}: `, ends.map((end, index) => h("span", { class: `legend s${index}` }, end)))),
    h("div", { class: "y-axis", "aria-hidden": "true" }, labels),
    h(
      "div",
      { class: "plot" },
      s(
        "svg",
        { viewBox: "0 0 1000 1000", preserveAspectRatio: "none", role: "img", "aria-label": `${what.title}: ${ends.join(", ")}` },
        marks.map((value) => s("line", { class: "grid", x1: 0, x2: 1000, y1: at(value), y2: at(value) })),
        lines.map((line, index) => s("polyline", { class: `curve s${index}`, points: text(line) })),
      ),
    ),
    h("div", { class: "x-axis", "aria-hidden": "true" }, h("span", {}, number(first)), h("span", {}, `step ${number(last)}`)),
  );
}

/**
 * Three to five round values between two.
 * @param {number} low
 * @param {number} high
 */
export function ticks(low, high) {
  const raw = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((value) => value >= raw) ?? raw;
  const found = [];
  for (let value = Math.ceil(low / step) * step; value <= high; value += step) found.push(value);
  return found;
}
