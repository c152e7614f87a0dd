// Draws the curves of curves.js into <div class="curves" data-loss="NAME">, with their sliders.
"use strict";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 360, HEIGHT = 250, LEFT = 44, RIGHT = 8, TOP = 26, BOTTOM = 40, POINTS = 241;

function element(parent, name, attributes, text) {
  const made = parent.appendChild(document.createElementNS(SVG, name));
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

// Steps of 1, 2 or 5 times a power of ten, about four of them
function ticks(low, high) {
  const rough = (high - low) / 4, power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((x) => x * power >= rough);
  const first = Math.ceil(low / step), last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => +((first + i) * step).toPrecision(6));
}

const span = (spec) => spec.span || [-6, 6];
const places = ([from, to]) =>
  Array.from({ length: POINTS }, (_, i) => from + ((to - from) * i) / (POINTS - 1));

// From the lowest to the highest number of the curves where the sliders start: it stays when they
// move, or a loss that grows would look as it was.
function range(spec, lines) {
  const numbers = lines.flatMap(([, f]) => places(span(spec)).map(f));
  return [Math.min(0, ...numbers) * 1.1, Math.max(0, ...numbers) * 1.1];
}

function panel(svg, title, spec, lines, [low, high]) {
  svg.replaceChildren();
  const [from, to] = span(spec), xs = places([from, to]);
  const x = (v) => LEFT + ((v - from) / (to - from)) * (WIDTH - LEFT - RIGHT);
  const y = (v) => TOP + ((high - v) / (high - low)) * (HEIGHT - TOP - BOTTOM);
  element(svg, "text", { x: (LEFT + WIDTH) / 2, y: 14, class: "title" }, title);
  element(svg, "text", { x: (LEFT + WIDTH) / 2, y: HEIGHT - 4, class: "name" }, spec.x);
  for (const v of ticks(low, high)) {
    element(svg, "line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y(v), y2: y(v), class: v ? "grid" : "axis" });
    element(svg, "text", { x: LEFT - 5, y: y(v) + 4, class: "left" }, v);
  }
  for (const v of ticks(from, to)) {
    if (v === 0) element(svg, "line", { x1: x(v), x2: x(v), y1: TOP, y2: HEIGHT - BOTTOM, class: "grid" });
    element(svg, "text", { x: x(v), y: HEIGHT - BOTTOM + 15, class: "below" }, v);
  }
  const inside = { x: LEFT, y: TOP, width: WIDTH - LEFT - RIGHT, height: HEIGHT - TOP - BOTTOM };
  const plot = element(svg, "svg", { ...inside, viewBox: Object.values(inside).join(" ") }); // cuts
  for (const [name, f] of lines) {
    const points = xs.map((v) => `${x(v).toFixed(1)},${y(f(v)).toFixed(1)}`).join(" ");
    element(plot, "polyline", { points, class: name });
  }
}

function draw(box) {
  const spec = CURVES[box.dataset.loss], names = Object.keys(spec.curves), options = {};
  const pictures = document.createElement("div");
  pictures.className = "panels";
  const svgs = ["loss", "derivative"].map((what) =>
    element(pictures, "svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": what }));
  const curves = [
    ...spec.plain.map((f) => ["plain", f]),
    ...names.map((name, i) => [`curve${i}`, spec.curves[name]]),
  ];
  const panels = [
    [box.dataset.loss === "soft_confusion" ? "count" : "loss", (f) => (z) => f(z, options)],
    ["derivative", (f) => (z) => gradient(f)(z, options)],
  ].map(([title, of]) => [title, curves.map(([name, f]) => [name, of(f)])]);
  let ranges;
  const show = () => {
    ranges ||= panels.map(([, lines]) => range(spec, lines));
    panels.forEach(([title, lines], i) => panel(svgs[i], title, spec, lines, ranges[i]));
  };
  const sliders = document.createElement("div");
  sliders.className = "sliders";
  for (const [name, [min, max, step, value]] of Object.entries(spec.sliders)) {
    const label = sliders.appendChild(document.createElement("label"));
    const input = Object.assign(document.createElement("input"), { type: "range", min, max, step, value, name });
    const output = document.createElement("output");
    const moved = () => {
      options[name] = Number(input.value);
      output.textContent = `${name} = ${options[name]}`;
    };
    input.setAttribute("aria-label", name);
    input.addEventListener("input", () => { moved(); show(); });
    label.append(output, input);
    moved();
  }
  const legend = document.createElement("p");
  legend.className = "legend";
  const entries = names.map((name, i) => [`curve${i}`, name]);
  if (spec.plain.length) entries.push(["plain", "plain cross-entropy"]);
  for (const [kind, name] of entries) {
    const entry = legend.appendChild(document.createElement("span"));
    const line = element(entry, "svg", { viewBox: "0 0 28 8", width: 28, height: 8 });
    element(line, "polyline", { points: "0,4 28,4", class: kind });
    entry.append(name);
  }
  box.replaceChildren(sliders, pictures, legend);
  show();
}

document.addEventListener("DOMContentLoaded", () => document.querySelectorAll(".curves").forEach(draw));
