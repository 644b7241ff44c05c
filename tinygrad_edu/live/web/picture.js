// The picture: it repaints what has changed on the visible level, and nothing else.

const THINNEST = 1.2, WIDEST = 4, WIDEST_WEIGHT = 6; // points, as in a still picture
const LETTERS = 8, ROOM = 99, DIGIT = 12.2; // of -12.3333: each part has room for it

/**
 * The element of the page with this id.
 * @param {string} id
 * @returns {any}
 */
function byId(id) {
  return document.getElementById(id);
}

/**
 * Makes an element of HTML, or of SVG where the tag begins with "svg:".
 * @param {string} tag
 * @param {Object<string, any>} attributes `text` is its text
 * @param {...Element} children
 * @returns {any}
 */
function make(tag, attributes = {}, ...children) {
  const element = tag.startsWith("svg:")
    ? document.createElementNS("http://www.w3.org/2000/svg", tag.slice(4))
    : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") element.textContent = value;
    else if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

/** A box or a link of the picture, with its texts that change. */
class Part {
  /** @param {string} id of its group @param {any} told what the level says of it */
  constructor(id, told) {
    this.id = id;
    this.told = told;
    this.group = byId(id);
    /** @type {Map<string, {element: any, text: string, both: any[], from: number[], middle: number}>} */
    this.texts = new Map();
    for (const element of this.group.querySelectorAll("[data-slot]")) {
      const text = element.textContent, captioned = element.getAttribute("text-anchor") === "start";
      const both = captioned ? [element.previousElementSibling, element] : []; // they keep their common middle
      const from = both.map((one) => Number(one.getAttribute("x")));
      this.texts.set(element.dataset.slot, { element, text, both, from, middle: text.length });
    }
    this.line = this.group.querySelector(".line");
    this.head = this.group.querySelector(".head");
    this.seen = ""; // the numbers that were painted last
    this.look = "";
  }

  /** Writes a text, narrower if it is wider than its room. @param {string} slot @param {string} text */
  write(slot, text) {
    const place = this.texts.get(slot);
    if (!place || place.text === text) return;
    const element = place.element, sign = /^[=≈×+] /.test(text) ? 2 : 0;
    element.textContent = text;
    if (element.hasAttribute("textLength")) element.removeAttribute("textLength");
    const shift = ((place.middle - text.length) * DIGIT) / 2;
    if (text.length !== place.text.length) place.both.forEach((one, i) => one.setAttribute("x", place.from[i] + shift));
    place.text = text;
    if (text.length - sign <= LETTERS) return;
    // measuring would make the browser lay out the page: these are the widths of Helvetica's characters
    const wide = [...text].reduce((sum, c) => sum + (/[-. ()]/.test(c) ? 6.7 : DIGIT), 0);
    setAll(element, { textLength: `${Math.min(ROOM + sign * 10, wide).toFixed()}`, lengthAdjust: "spacingAndGlyphs" });
  }

  /** @param {string} slot @returns {boolean} */
  has(slot) {
    return this.texts.has(slot);
  }

  /** Shows a link by the sign and the size of a number. @param {number | null} x @param {number} most */
  paint(x, most, widest = WIDEST) {
    const sign = x === null ? "line" : signOf(x);
    const share = x === null || x !== x ? 0 : Math.abs(x) === Infinity ? 1 : most ? Math.abs(x) / most : 0;
    const width = THINNEST + (widest - THINNEST) * Math.min(1, share);
    const look = `${sign} ${width.toFixed(1)}`;
    if (look === this.look || !this.line) return;
    const before = this.look.split(" ")[0];
    this.look = look;
    const color = `var(--${sign})`;
    const dash = { negative: [7, 4], zero: [1.5, 4] }[sign];
    setAll(this.line, { stroke: color, "stroke-width": width.toFixed(1) });
    this.line.setAttribute("stroke-dasharray", dash ? dash.map((d) => (d + width * 0.8).toFixed(1)).join(" ") : "none");
    if (this.texts.has("sum")) this.texts.get("sum")?.element.setAttribute("fill", x === null ? "var(--quiet)" : color);
    if (sign === before) return;
    if (this.head) {
      const full = sign !== "negative" && sign !== "zero";
      setAll(this.head, { d: headOf(this.head, sign), stroke: color, fill: full ? color : "none" });
    }
    this.group.classList.toggle("double", sign === "undefined");
  }
}

/** @param {Element} element @param {Object<string, string>} attributes */
function setAll(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
}

/** @param {number} x @returns {string} the word for its sign, and the colour's name */
function signOf(x) {
  return x > 0 ? "positive" : x < 0 ? "negative" : x === 0 ? "zero" : "undefined";
}

/** The outline of an arrow head. @param {any} head @param {string} sign @returns {string} */
function headOf(head, sign) {
  const [bx, by, x, y] = head.dataset.ends.split(" ").map(Number);
  const length = Math.hypot(x - bx, y - by) || 1;
  const across = -((y - by) / length) * length * 0.4, down = ((x - bx) / length) * length * 0.4;
  const path = (/** @type {number[][]} */ points) => `M${points.map((p) => p.map((c) => c.toFixed(1)).join(" ")).join("L")}z`;
  if (sign === "zero") {
    const r = length / 2;
    return `M${(x + bx) / 2 - r} ${(y + by) / 2}a${r} ${r} 0 1 0 ${length} 0a${r} ${r} 0 1 0 ${-length} 0z`;
  }
  const left = [bx + across, by + down], right = [bx - across, by - down];
  if (sign !== "undefined") return path([left, [x, y], right]);
  return path([left, [x + across, y + down], [x - across, y - down], right]);
}

/** A level of the picture: its boxes and links, and which of them belong to a node or an edge. */
class Level {
  /** @param {any} told one of the levels in the data */
  constructor(told) {
    this.name = told.name;
    this.svg = byId(told.svg);
    const { boxes, links } = partsOf(told, state.data);
    const drawn = (/** @type {Object<string, any>} */ parts) =>
      Object.entries(parts).filter(([id]) => byId(id)).map(([id, part]) => new Part(id, part));
    this.boxes = drawn(boxes);
    this.links = drawn(links);
    /** @type {Map<string, Part>} */
    this.parts = new Map([...this.boxes, ...this.links].map((part) => [part.id, part]));
    /** @type {Map<number, Part>} */
    this.boxOf = new Map();
    for (const box of this.boxes) for (const node of [...box.told.holds, box.told.node]) this.boxOf.set(node, box);
    /** @type {Map<number, Part>} */
    this.linkOf = new Map();
    /** @type {Map<Part, Part[]>} */
    this.arriving = new Map(); // the links that bring contributions to a box, in their order
    const last = (/** @type {Part} */ link) => Math.max(-1, ...link.told.edges);
    for (const link of [...this.links].sort((p, q) => (last(q) >> 1) - (last(p) >> 1) || last(p) - last(q))) {
      for (const edge of link.told.edges) this.linkOf.set(edge, link);
      const box = link.told.edges.length ? this.boxOf.get(sourceOf(last(link))) : undefined;
      if (box) this.arriving.set(box, [...(this.arriving.get(box) || []), link]);
    }
    this.flows = make("svg:g", { class: "flows" });
    this.svg.append(this.flows);
    /** @type {Set<Part>} */
    this.now = new Set();
    /** @type {Set<Part>} */
    this.lit = new Set();
  }

  /** Writes all numbers that are known at this moment of the passes. */
  repaint() {
    const { graph, data, position } = state;
    const at = graph.moment(position);
    const digits = data.precision;
    let most = 0, heaviest = 0;
    for (const { told } of this.links) {
      const size = Math.abs(sumOf(graph.contribution, told.edges));
      if (size < Infinity) most = Math.max(most, size);
      if (told.weight) heaviest = Math.max(heaviest, Math.abs(graph.value[told.weight[0]]));
    }
    for (const link of this.links) this.repaintLink(link, at, most, heaviest, digits);
    for (const box of this.boxes) this.repaintBox(box, at, digits);
    this.highlight(graph.events[position - 1]);
  }

  /** @param {Part} link @param {any} at @param {number} most @param {number} heaviest @param {number} digits */
  repaintLink(link, at, most, heaviest, digits) {
    const { graph } = state, { edges, weight } = link.told;
    const edge = edges[0], target = edge >> 1;
    const passed = edges.filter((/** @type {number} */ e) => at.passed[e]);
    const x = passed.length ? sumOf(graph.contribution, passed) : null;
    const known = edges.length > 0 && at.known[target];
    const seen = [x, known, graph.local[edge], graph.grad[target], most, heaviest,
      weight && [graph.value[weight[0]], at.hasGrad[weight[0]], at.grad[weight[0]]]].join();
    if (seen === link.seen) return;
    link.seen = seen;
    if (weight) {
      const [leaf, sign] = weight;
      link.write("weight", rounded(sign * graph.value[leaf], digits));
      link.write("wgrad", at.hasGrad[leaf] ? rounded(sign * at.grad[leaf], digits) : "?");
      link.paint(sign * graph.value[leaf], heaviest, WIDEST_WEIGHT);
      return;
    }
    const [local, adjoint] = [graph.local[edge], graph.grad[target]].map((n) => rounded(n, digits));
    link.write("local", known ? local : "?");
    link.write("times", `× ${x === null ? "?" : adjoint}`);
    const total = x === null ? "?" : rounded(x, digits);
    const made = Number(local) * Number(adjoint);
    if (link.has("times")) link.write("sum", `${x === null ? "=" : equals(made, total, digits)} ${total}`);
    else link.write("sum", `${link.has("sum") && edges.length > 1 ? "= " : x !== null && x > 0 ? "+" : ""}${total}`);
    link.paint(x, most);
  }

  /** @param {Part} box @param {any} at @param {number} digits */
  repaintBox(box, at, digits) {
    const { graph } = state, { node, biases = [] } = box.told;
    const arriving = this.arriving.get(box) || [];
    const links = arriving.filter((link) => link.told.edges.some((/** @type {number} */ e) => at.passed[e]));
    const terms = links.map((link) => sumOf(graph.contribution, link.told.edges.filter((/** @type {number} */ e) => at.passed[e])));
    const seen = [graph.value[node], at.known[node], at.grad[node], at.hasGrad[node], terms,
      biases.map((/** @type {number[]} */ [leaf]) => graph.value[leaf])].join();
    if (seen === box.seen) return;
    box.seen = seen;
    if (node >= 0) {
      const grad = at.hasGrad[node] ? rounded(at.grad[node], digits) : "?";
      box.write("value", at.known[node] ? rounded(graph.value[node], digits) : "?");
      box.write("grad", grad);
      const written = terms.map((x) => rounded(x, digits));
      const sum = written.reduce((total, x) => total + Number(x), 0);
      const few = !box.has("term0") || box.has("term1");
      const sign = links.length === arriving.length ? equals(sum, grad, digits) : "=";
      if (!few) box.write("term0", `= sum of ${terms.length}`);
      for (let i = 0; few && box.has(`term${i}`); i++) {
        const term = i >= written.length ? "?" : i && written[i].startsWith("-") ? `(${written[i]})` : written[i];
        box.write(`term${i}`, `${i ? "+" : sign} ${term}`);
      }
    }
    biases.forEach((/** @type {number[]} */ [leaf, sign], /** @type {number} */ i) =>
      box.write(`bias${i}`, rounded(sign * graph.value[leaf], digits)));
  }

  /** Shows which parts the current event is about, and what flows. @param {any} event */
  highlight(event) {
    /** @type {Set<Part | undefined>} */
    const now = new Set();
    const flows = new Set();
    if (event) {
      now.add(this.boxOf.get(event.node));
      const edges = event.phase === "forward" ? [2 * event.node, 2 * event.node + 1] : [event.edge];
      for (const edge of edges) flows.add(this.linkOf.get(edge));
    }
    for (const part of [...now, ...flows]) if (part) now.add(part); else now.delete(part);
    repaintClass(this.now, /** @type {Set<Part>} */ (now), "now");
    this.now = /** @type {Set<Part>} */ (now);
    const back = event && event.phase === "backward";
    this.flows.replaceChildren(...[...flows].filter((link) => link && link.line).map((link) =>
      make("svg:path", { class: back ? "flow back" : "flow", d: link.line.getAttribute("d"), fill: "none" })));
  }

  /** Lights these nodes and edges, all others fade. @param {Set<number>} nodes @param {Set<number>} edges */
  light(nodes, edges) {
    const lit = new Set([
      ...[...nodes].map((node) => this.boxOf.get(node)),
      ...[...edges].map((edge) => this.linkOf.get(edge)),
    ].filter((part) => part !== undefined));
    this.svg.classList.toggle("traced", lit.size > 0);
    repaintClass(this.lit, lit, "lit");
    this.lit = lit;
  }
}

/** @param {Set<Part>} before @param {Set<Part>} after @param {string} name */
function repaintClass(before, after, name) {
  for (const part of before) if (!after.has(part)) part.group.classList.remove(name);
  for (const part of after) part.group.classList.add(name);
}

/** @param {Float64Array} numbers @param {number[]} edges @returns {number} */
function sumOf(numbers, edges) {
  return edges.reduce((sum, edge) => sum + numbers[edge], 0);
}

/** The node whose value an edge uses, or -1. @param {number} edge @returns {number} */
function sourceOf(edge) {
  return (edge & 1 ? state.data.b : state.data.a)[edge >> 1];
}
