// The map: two pictures of the same molecules on canvases, one card, and a legend that hides nothing.
// Points are drawn once per change of colour or zoom; what follows the cursor is a second canvas above.

const map = JSON.parse(document.getElementById("map").textContent);
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const n = map.smiles.length;
const state = { label: 0, only: null, kept: null, shown: null };
const REACH = 30; // pixels from the cursor to the nearest point
const radius = n > 4000 ? 2.4 : n > 1500 ? 3 : n > 400 ? 3.9 : 5;
const colours = () => map.colours[dark.matches ? "dark" : "light"];

// Shapes repeat what the colours say; all have about the same area at radius 1.
const SHAPES = [
  "M-1 0A1 1 0 1 0 1 0A1 1 0 1 0 -1 0Z", "M-.88 -.88H.88V.88H-.88Z", "M0 -1.25L1.15 .8H-1.15Z", "M0 -1.3L1.1 0L0 1.3L-1.1 0Z",
  "M0 1.25L1.15 -.8H-1.15Z", "M-.4 -1.15H.4V-.4H1.15V.4H.4V1.15H-.4V.4H-1.15V-.4H-.4Z", "M1.25 0L-.8 1.15V-1.15Z", "M-1.25 0L.8 1.15V-1.15Z",
];
const paths = SHAPES.map((shape) => {
  const path = new Path2D();
  path.addPath(new Path2D(shape), { a: radius, d: radius });
  return path;
});

// How class `code` of a label looks: leftovers are grey, and "0" of two classes is quiet.
function styleOf(label, code) {
  const all = colours();
  if (code === null) return { colour: all.missing, shape: 0, quiet: true };
  const named = label.classes.length - label.n_rest;
  if (code >= named) return { colour: all.rest[label.classes[code] === "other" ? 0 : 1], shape: 0, quiet: true };
  if (named === 2 && label.n_rest === 0) return { colour: all.binary[code], shape: 0, quiet: code === 0 };
  return { colour: all.classes[code % all.classes.length], shape: code % SHAPES.length, quiet: false };
}

function rampColour(label, value) {
  const ramp = colours().ramp;
  const share = Math.min(Math.max((value - label.low) / (label.high - label.low || 1), 0), 1);
  return ramp[Math.round(share * (ramp.length - 1))];
}

// Quiet points first, then the others in a fixed random order, so that no class covers another by its place in the file.
function orderOf(label) {
  const mixed = (i) => ((i + 1) * 2654435761) % 4294967296;
  const weight = (i) => {
    const value = label.values[i];
    if (value === null) return 0;
    if (!label.classes.length) return 3;
    if (label.classes.length - label.n_rest === 2 && !label.n_rest) return 1 + value;
    return value >= label.classes.length - label.n_rest ? 1 : 3;
  };
  return [...Array(n).keys()].sort((a, b) => weight(a) - weight(b) || mixed(a) - mixed(b));
}
const orders = map.labels.map(orderOf);

const pictures = map.pictures.map((picture) => {
  const plot = document.getElementById(`plot_${picture.name}`);
  const [base, top] = plot.querySelectorAll("canvas");
  return { ...picture, plot, base, top, side: 0, zoom: 1, x0: 0, y0: 0, drag: null };
});

const padding = radius + 8;
const screenX = (p, i) => padding + (p.x[i] / 10000 - p.x0) * p.zoom * (p.side - 2 * padding);
const screenY = (p, i) => p.side - padding - (p.y[i] / 10000 - p.y0) * p.zoom * (p.side - 2 * padding);

function sized(canvas, side) {
  const dense = window.devicePixelRatio || 1;
  canvas.width = canvas.height = Math.round(side * dense);
  const context = canvas.getContext("2d");
  context.setTransform(dense, 0, 0, dense, 0, 0);
  return context;
}

function drawPicture(p) {
  p.side = p.plot.clientWidth;
  const context = sized(p.base, p.side);
  const label = map.labels[state.label];
  const paper = colours().paper;
  context.lineWidth = n > 1500 ? 0.35 : 0.7;
  context.strokeStyle = paper;
  for (const pass of state.only === null ? [0] : [1, 2]) {
    for (const i of orders[state.label]) {
      const value = label.values[i];
      const chosen = state.only === (value === null ? -1 : label.classes.length ? value : 0);
      if ((pass === 1 && chosen) || (pass === 2 && !chosen)) continue;
      const style = label.classes.length || value === null ? styleOf(label, value) : { colour: rampColour(label, value), shape: 0 };
      context.globalAlpha = pass === 1 ? 0.1 : style.quiet ? 0.8 : 0.92;
      context.fillStyle = style.colour;
      context.translate(screenX(p, i), screenY(p, i));
      context.fill(paths[style.shape]);
      if (pass !== 1) context.stroke(paths[style.shape]);
      context.translate(-screenX(p, i), -screenY(p, i));
    }
  }
  drawMark(p);
}

function drawMark(p) {
  const context = sized(p.top, p.side);
  if (state.shown === null) return;
  const [x, y] = [screenX(p, state.shown), screenY(p, state.shown)];
  for (const [colour, width] of [[colours().paper, 5], [colours().ink, 2]]) {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.beginPath();
    context.arc(x, y, radius + 4, 0, 7);
    context.stroke();
  }
}

function drawAll() {
  for (const p of pictures) drawPicture(p);
}

// All distances: 8,000 take a fraction of a millisecond, so a tree of places would gain nothing.
function nearest(p, x, y) {
  let [best, least] = [null, REACH * REACH];
  for (let i = 0; i < n; i += 1) {
    const distance = (screenX(p, i) - x) ** 2 + (screenY(p, i) - y) ** 2;
    if (distance < least) [best, least] = [i, distance];
  }
  return best;
}

function show(i) {
  if (i === state.shown) return;
  state.shown = i;
  for (const p of pictures) drawMark(p);
  if (i === null) return;
  document.getElementById("drawing").replaceChildren(drawMolecule(map.drawings[i], 270, 220));
  document.getElementById("name").textContent = map.names ? map.names[i] : "";
  const rows = [["SMILES", map.smiles[i], "code"], ["scaffold", map.scaffolds[map.scaffold[i]] || "no ring", "code"]];
  for (const label of map.labels) if (label.name !== "scaffold") rows.push([label.title, valueText(label, label.values[i]), ""]);
  rows.push(["line of the file", map.lines[i].toLocaleString("en"), ""]);
  document.getElementById("values").replaceChildren(...rows.flatMap(([head, text, kind]) => {
    const [dt, dd] = [document.createElement("dt"), document.createElement("dd")];
    [dt.textContent, dd.textContent, dd.className] = [head, text, kind];
    return [dt, dd];
  }));
}

function keep(i) {
  state.kept = i;
  document.getElementById("card").classList.toggle("kept", i !== null);
  if (i !== null) show(i);
}

const valueText = (label, value) => (value === null ? "not known" : label.classes.length ? label.classes[value] : shortNumber(value));
const shortNumber = (value) => Number(value.toPrecision(4)).toLocaleString("en", { maximumSignificantDigits: 4 }).replace("-", "\u2212");

function entry(parts, only) {
  const made = document.createElement(only === undefined ? "span" : "button");
  made.className = "entry";
  made.append(...parts);
  if (only === undefined) return made;
  made.type = "button";
  const alone = (value) => () => { state.only = value; drawAll(); };
  for (const begin of ["pointerenter", "focus"]) made.addEventListener(begin, alone(only));
  for (const end of ["pointerleave", "blur"]) made.addEventListener(end, alone(null));
  return made;
}

function swatch(style) {
  const svg = element("svg", { viewBox: "-1.5 -1.5 3 3", width: "14", height: "14" });
  svg.append(element("path", { d: SHAPES[style.shape], fill: style.colour }));
  return svg;
}

function words(text, tag = "span", kind = "text") {
  const made = document.createElement(tag);
  made.className = kind;
  made.textContent = text;
  if (kind === "text") made.title = text; // may be cut short
  return made;
}

function drawLegend() {
  const label = map.labels[state.label];
  const counts = new Map();
  for (const value of label.values) counts.set(value, (counts.get(value) ?? 0) + 1);
  const many = (code) => words((counts.get(code) ?? 0).toLocaleString("en"), "small", "");
  const entries = label.classes.map((name, code) => {
    const drawing = map.class_drawings[state.label][code];
    const picture = document.createElement("span");
    picture.title = name;
    if (drawing) {
      const svg = drawMolecule(drawing, 62, 42, 14, 8.5);
      svg.style.cssText = "width:62px;height:42px";
      picture.append(svg);
    } else picture.append(words(name));
    return entry([swatch(styleOf(label, code)), picture, many(code)], code);
  });
  if (!label.classes.length) {
    const bar = document.createElement("span");
    bar.className = "bar";
    bar.style.background = `linear-gradient(to right, ${colours().ramp.join(",")})`;
    const [below, above] = [label.least < label.low ? "\u2264 " : "", label.most > label.high ? "\u2265 " : ""];
    const [low, high] = [words(below + shortNumber(label.low), "small", ""), words(above + shortNumber(label.high), "small", "")];
    entries.push(entry([words(label.title), low, bar, high]));
    entries[0].classList.add("wide");
  }
  if (counts.get(null)) entries.push(entry([swatch(styleOf(label, null)), words("not known"), many(null)], -1));
  document.getElementById("legend").replaceChildren(...entries);
}

function choose(k) {
  state.label = k;
  state.only = null;
  document.querySelectorAll("#keys button").forEach((button, place) => button.setAttribute("aria-pressed", String(place === k)));
  drawLegend();
  drawAll();
}

function zoomAt(p, x, y, factor) {
  const inner = p.side - 2 * padding;
  const zoom = Math.min(Math.max(p.zoom * factor, 1), 60);
  const [u, v] = [(x - padding) / inner, (p.side - padding - y) / inner];
  const most = 1 - 1 / zoom;
  p.x0 = Math.min(Math.max(p.x0 + u / p.zoom - u / zoom, 0), most);
  p.y0 = Math.min(Math.max(p.y0 + v / p.zoom - v / zoom, 0), most);
  p.zoom = zoom;
  drawPicture(p);
}

function step(p, key) {
  const way = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
  const here = state.shown === null ? [p.side / 2, p.side / 2] : [screenX(p, state.shown), screenY(p, state.shown)];
  let [best, least] = [null, Infinity];
  for (let i = 0; i < n; i += 1) {
    const [dx, dy] = [screenX(p, i) - here[0], screenY(p, i) - here[1]];
    const [ahead, aside] = [dx * way[0] + dy * way[1], Math.abs(dx * way[1]) + Math.abs(dy * way[0])];
    const distance = ahead + 2 * aside;
    if (i !== state.shown && ahead > 0 && aside <= 2 * ahead && distance < least) [best, least] = [i, distance];
  }
  if (best !== null) keep(best);
}

function listen(p) {
  const at = (event) => {
    const box = p.top.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const look = (event) => {
    const found = nearest(p, ...at(event));
    if (state.kept === null && found !== null) show(found);
    return found;
  };
  p.top.addEventListener("pointermove", (event) => {
    const [x, y] = at(event);
    if (p.drag && p.zoom > 1 && Math.hypot(x - p.drag.x, y - p.drag.y) > 3) {
      p.plot.classList.add("moved");
      const inner = (p.side - 2 * padding) * p.zoom;
      p.x0 = Math.min(Math.max(p.drag.x0 - (x - p.drag.x) / inner, 0), 1 - 1 / p.zoom);
      p.y0 = Math.min(Math.max(p.drag.y0 + (y - p.drag.y) / inner, 0), 1 - 1 / p.zoom);
      drawPicture(p);
    } else look(event);
  });
  p.top.addEventListener("pointerdown", (event) => {
    const [x, y] = at(event);
    p.drag = { x, y, x0: p.x0, y0: p.y0 };
    look(event); // a finger has no hovering
  });
  p.top.addEventListener("pointerup", (event) => {
    if (!p.plot.classList.contains("moved")) {
      const found = nearest(p, ...at(event));
      keep(found === state.kept ? null : found);
    }
    p.drag = null;
    p.plot.classList.remove("moved");
  });
  p.top.addEventListener("pointerleave", () => { p.drag = null; p.plot.classList.remove("moved"); });
  p.top.addEventListener("dblclick", (event) => zoomAt(p, ...at(event), event.shiftKey ? 0 : 2));
  p.top.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return; // the wheel alone scrolls the page
    event.preventDefault();
    zoomAt(p, ...at(event), Math.exp(-event.deltaY * 0.01));
  }, { passive: false });
  p.top.addEventListener("keydown", (event) => {
    if (event.key.startsWith("Arrow")) { event.preventDefault(); step(p, event.key); }
  });
  new ResizeObserver(() => { if (p.plot.clientWidth !== p.side) drawPicture(p); }).observe(p.plot);
}

function begin() {
  const keys = document.getElementById("keys");
  if (map.labels.length > 1) keys.append(words("Colour by", "span", ""));
  map.labels.forEach((label, k) => {
    if (map.labels.length < 2) return;
    const button = words(label.title, "button", "");
    button.type = "button";
    button.addEventListener("click", () => choose(k));
    keys.append(button);
  });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") keep(null); });
  dark.addEventListener("change", () => choose(state.label));
  pictures.forEach(listen);
  choose(0);
  show(0);
}
begin();
