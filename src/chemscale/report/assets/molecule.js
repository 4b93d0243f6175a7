// Draws a molecule from three short lists: [xy, bonds, labels] (chemscale.chem.depiction), as an SVG element.
// A bond is 75 units long. The second line of a double bond in a ring runs on the inner side.

const SVG = "http" + "://www.w3.org/2000/svg"; // a name, never fetched
const BOND = 75;

function element(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) {
    made.setAttribute(key, typeof value === "number" ? value.toFixed(2) : value);
  }
  if (text !== undefined) made.textContent = text;
  return made;
}

function drawMolecule([xy, bonds, labels], width, height, longest = 30, smallest = 5.5) {
  const svg = element("svg", { class: "mol", viewBox: `0 0 ${width} ${height}`, width: "100%", height: "100%" });
  const n = xy.length / 2;
  const xs = [...Array(n).keys()].map((i) => xy[2 * i]);
  const ys = [...Array(n).keys()].map((i) => xy[2 * i + 1]);
  const [left, right, low, high] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const [beside, above] = [Math.min(width * 0.14, 36), height * 0.1]; // "H2N" at an end has to fit beside it
  const scale = Math.min(longest / BOND, (width - 2 * beside) / (right - left || 1), (height - 2 * above) / (high - low || 1));
  const place = (i) => [width / 2 + (xs[i] - (left + right) / 2) * scale, height / 2 - (ys[i] - (low + high) / 2) * scale];
  const bond = BOND * scale;
  const font = Math.max(Math.min(bond * 0.5, 15), smallest);
  svg.setAttribute("stroke-width", Math.max(Math.min(bond * 0.06, 1.7), 0.6).toFixed(2));
  const named = new Set();
  for (let i = 0; i < labels.length; i += 4) named.add(labels[i]);
  const neighbours = Array.from({ length: n }, () => []);
  for (let i = 0; i < bonds.length; i += 3) {
    const [first, second, style] = bonds.slice(i, i + 3);
    neighbours[first].push(second);
    neighbours[second].push(first);
    drawBond(svg, place(first), place(second), style, bond, named.has(first) ? font * 0.62 : 0, named.has(second) ? font * 0.62 : 0);
  }
  for (let i = 0; i < labels.length; i += 4) {
    const [atom, symbol, hydrogens, charge] = labels.slice(i, i + 4);
    drawLabel(svg, place(atom), symbol, hydrogens, charge, font, awayFrom(atom, neighbours[atom], place));
  }
  return svg;
}

function drawBond(svg, from, to, style, bond, gapFrom, gapTo) {
  const length = Math.hypot(to[0] - from[0], to[1] - from[1]) || 1;
  const along = [(to[0] - from[0]) / length, (to[1] - from[1]) / length];
  const side = [along[1], -along[0]]; // to the left of the way, as a reader sees it
  const at = (t, offset) => [from[0] + along[0] * t + side[0] * offset, from[1] + along[1] * t + side[1] * offset];
  const start = Math.min(gapFrom, length * 0.45);
  const end = length - Math.min(gapTo, length * 0.45);
  const line = (offset, shorter = 0, dash = "") => {
    const [a, b] = [at(start + (gapFrom ? 0 : shorter), offset), at(end - (gapTo ? 0 : shorter), offset)];
    const made = element("line", { x1: a[0], y1: a[1], x2: b[0], y2: b[1] });
    if (dash) made.setAttribute("stroke-dasharray", dash);
    svg.append(made);
  };
  const apart = Math.max(bond * 0.16, 1.8);
  if (style === 2) { line(apart / 2); line(-apart / 2); }
  else if (style === 3) { line(0); line(apart, 0); line(-apart, 0); }
  else if (style === 4 || style === 5) { line(0); line(style === 4 ? apart : -apart, bond * 0.13); }
  else if (style === 6) {
    const wide = bond * 0.09;
    const corners = [at(start, 0), at(end, wide), at(end, -wide)];
    svg.append(element("polygon", { points: corners.map((p) => p.map((v) => v.toFixed(2)).join(",")).join(" ") }));
  } else if (style === 7) {
    for (let k = 1; k <= 6; k += 1) {
      const t = start + ((end - start) * k) / 6;
      const wide = (bond * 0.1 * k) / 6;
      const [a, b] = [at(t, wide), at(t, -wide)];
      svg.append(element("line", { x1: a[0], y1: a[1], x2: b[0], y2: b[1] }));
    }
  } else if (style === 8) {
    const steps = [...Array(25).keys()].map((k) => at(start + ((end - start) * k) / 24, Math.sin((k * Math.PI) / 3) * bond * 0.06));
    svg.append(element("path", { d: `M${steps.map((p) => p.map((v) => v.toFixed(2)).join(" ")).join("L")}` }));
  } else line(0, 0, style === 9 ? "2 2" : "");
}

// Where hydrogens have room: "right" or "left", or for an atom between its neighbours "below" or "above".
function awayFrom(atom, neighbours, place) {
  const here = place(atom);
  let [x, y] = [0, 0];
  for (const other of neighbours) {
    const there = place(other);
    const length = Math.hypot(there[0] - here[0], there[1] - here[1]) || 1;
    x += (there[0] - here[0]) / length;
    y += (there[1] - here[1]) / length;
  }
  if (neighbours.length > 1 && Math.abs(x) < 0.5 && Math.abs(y) > 0.3) return y < 0 ? "below" : "above";
  return x > 0.1 ? "left" : "right";
}

function drawLabel(svg, [x, y], symbol, hydrogens, charge, font, where) {
  const kind = symbol.replace(/^\d+/, "");
  const isotope = symbol.slice(0, symbol.length - kind.length);
  const small = font * 0.72;
  const middle = y + font * 0.36;
  const widthOf = (text, size) => [...text].reduce((sum, c) => sum + size * (/[A-Z]/.test(c) ? 0.74 : c === "l" || c === "i" ? 0.25 : 0.56), 0);
  const put = (text, at, baseline, size, anchor) =>
    svg.append(element("text", { x: at, y: baseline, "font-size": size, "text-anchor": anchor, class: kind }, text));
  const half = widthOf(kind, font) / 2;
  put(kind, x, middle, font, "middle");
  if (isotope) put(isotope, x - half, middle - font * 0.35, small, "end");
  const count = hydrogens > 1 ? String(hydrogens) : "";
  let free = x + half;
  if (hydrogens) {
    const wide = widthOf("H", font) + widthOf(count, small);
    const vertical = where === "below" || where === "above";
    const start = where === "left" ? x - half - wide - font * 0.04 - (isotope ? widthOf(isotope, small) : 0) : vertical ? x - widthOf("H", font) / 2 : x + half;
    const baseline = vertical ? middle + (where === "below" ? font * 0.86 : -font * 0.86) : middle;
    put("H", start, baseline, font, "start");
    if (count) put(count, start + widthOf("H", font), baseline + font * 0.22, small, "start");
    if (where === "right") free += wide;
  }
  if (charge) {
    const size = Math.abs(charge) > 1 ? String(Math.abs(charge)) : "";
    put(`${size}${charge > 0 ? "+" : "\u2212"}`, free, middle - font * 0.38, small, "start");
  }
}
