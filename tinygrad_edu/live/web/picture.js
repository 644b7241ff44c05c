// The picture: it repaints what has changed on the visible level, and nothing else.

const THINNEST = 1.2, WIDEST = 4, WIDEST_WEIGHT = 6; // points, as in a still picture
const DIGIT = 12.2; // its width

/** @type {Object<string, number[]>} */
const DASHES = { negative: [7, 4], zero: [1.5, 4] };
/** @type {Object<string, string>} */
const HEADS = { zero: "M0 0a.5 .5 0 1 0 1 0a.5 .5 0 1 0-1 0z", undefined: "M0-.4 1-.4 1 .4 0 .4z" };
const ARROW = "M0-.4 1 0 0 .4z"; // from its base to its tip is 1

/** The element with this id. @param {string} id @returns {any} */
function byId(id) {
  return document.getElementById(id);
}

/** Writes texts into elements; one that is there already is not told again. @param {Object<string, string>} texts by the elements' ids */
function say(texts) {
  for (const [id, text] of Object.entries(texts)) if (byId(id).textContent !== text) byId(id).textContent = text;
}

/** Says what clicks do. @param {Object<string, () => void>} acts by the ids of the buttons */
function onClick(acts) {
  for (const [id, act] of Object.entries(acts)) byId(id).onclick = act;
}

/** @param {Element} element @param {Object<string, any>} attributes */
function setAll(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
}

/**
 * Makes an element of HTML, or of SVG where the tag begins with "svg:".
 * @param {string} tag
 * @param {Object<string, any>} attributes `text` is its text
 * @param {...Element} children
 * @returns {any}
 */
function make(tag, { text = "", ...attributes } = {}, ...children) {
  const [name, svg] = tag.split(":").reverse();
  const element = svg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  element.textContent = text;
  setAll(element, attributes);
  element.append(...children);
  return element;
}

/** A number as this page writes it. @param {number} x @returns {string} */
function shown(x) {
  return rounded(x, state.data.precision);
}

/** A box or a link of the picture. */
class Part {
  /** @param {string} id of its group @param {any} told what it shows */
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
    this.look = "";
  }

  /** Writes a text, narrower if it is wider than its room. @param {string} slot @param {string} text */
  write(slot, text) {
    const place = this.texts.get(slot);
    if (!place || place.text === text) return;
    const { element, both, from, middle } = place, sign = /^[=≈×+] /.test(text) ? 2 : 0;
    const room = state.data.precision + 4 + sign; // characters: each part has room for -12.3333
    element.textContent = text;
    element.removeAttribute("textLength");
    const shift = ((middle - Math.min(text.length, room)) * DIGIT) / 2;
    if (text.length !== place.text.length) both.forEach((one, i) => one.setAttribute("x", from[i] + shift));
    place.text = text;
    if (text.length <= room) return;
    // measuring would make the browser lay out the page: these are the widths of Helvetica's characters
    const wide = [...text].reduce((sum, c) => sum + (/[-. ()]/.test(c) ? 6.7 : DIGIT), 0);
    setAll(element, { textLength: Math.min(room * DIGIT, wide).toFixed(), lengthAdjust: "spacingAndGlyphs" });
  }

  /** Shows the sign and the size of a number by a line and its head. @param {number | null} x @param {number} most */
  paint(x, most, widest = WIDEST) {
    const sign = x === null ? "line" : x > 0 ? "positive" : x < 0 ? "negative" : x === 0 ? "zero" : "undefined";
    const width = THINNEST + (widest - THINNEST) * (x ? Math.min(1, most ? Math.abs(x) / most : 1) : 0);
    const look = `${sign} ${width.toFixed(1)}`, color = `var(--${sign})`;
    if (look === this.look || !this.line) return;
    const dash = DASHES[sign]?.map((d) => (d + width * 0.8).toFixed(1)).join(" ");
    setAll(this.line, { stroke: color, "stroke-width": width.toFixed(1), "stroke-dasharray": dash ?? "none" });
    this.texts.get("sum")?.element.setAttribute("fill", x === null ? "var(--quiet)" : color);
    const fill = sign === "negative" || sign === "zero" ? "none" : color;
    if (this.head) setAll(this.head, { d: HEADS[sign] ?? ARROW, stroke: color, fill });
    this.group.querySelector(".core")?.remove();
    if (sign === "undefined") this.line.after(make("svg:path", { class: "core", d: this.line.getAttribute("d"), fill: "none" })); // a double line
    this.look = look;
  }
}

/** A level of the picture: its parts, and which of them belong to a node or an edge. */
class Level {
  /** @param {any} told one of the levels in the data */
  constructor(told) {
    this.svg = byId(told.svg);
    this.finer = told.finer;
    const { boxes, links } = partsOf(told, state.data);
    const drawn = (/** @type {Object<string, any>} */ parts) =>
      Object.entries(parts).filter(([id]) => byId(id)).map(([id, part]) => new Part(id, part));
    this.boxes = drawn(boxes);
    this.links = drawn(links);
    /** @type {Map<string, Part>} */
    this.parts = new Map([...this.boxes, ...this.links].map((part) => [part.id, part]));
    /** @type {Map<number, Part>} */
    this.boxOf = new Map(this.boxes.flatMap((box) => [...box.told.holds, box.told.node].map((node) => [node, box])));
    /** @type {Map<number, Part>} */
    this.linkOf = new Map(this.links.flatMap((link) => link.told.edges.map((/** @type {number} */ edge) => [edge, link])));
    /** @type {Map<Part | undefined, Part[]>} */
    this.arriving = new Map(); // the links that bring contributions to a box, in their order
    for (const edge of [...this.linkOf.keys()].sort((p, q) => (q >> 1) - (p >> 1) || p - q)) {
      const link = this.linkOf.get(edge), box = this.boxOf.get(state.graph.source(edge));
      const others = this.arriving.get(box) || [];
      if (link && !others.includes(link)) this.arriving.set(box, [...others, link]);
    }
    this.flows = this.svg.querySelector(".flows");
    for (const part of this.parts.values()) { // a keyboard reaches all parts of a small picture
      const tabindex = part.told.holds || this.links.length < 100 ? 0 : -1;
      if (meaning(part)) setAll(part.group, { tabindex, role: "group" });
      part.group.classList.toggle("movable", leafOf(part) >= 0);
    }
    this.svg.setAttribute("role", "group");
  }

  /** Writes all numbers that are known at this moment of the passes. */
  repaint() {
    const { graph, position, at } = state, { value, contribution } = graph;
    const most = Math.max(...this.links.map(({ told }) => Math.abs(sumOf(contribution, told.edges))).filter(Number.isFinite));
    const heaviest = Math.max(...this.links.map(({ told }) => (told.weight ? Math.abs(value[told.weight[0]]) : 0)));
    for (const link of this.links) {
      if (link.told.weight) this.repaintWeight(link, at, heaviest);
      else if (link.told.edges.length) this.repaintLink(link, at, most);
    }
    for (const box of this.boxes) this.repaintBox(box, at);
    this.highlight(graph.events[position - 1]);
  }

  /** @param {Part} link @param {any} at @param {number} most the size of the largest weight */
  repaintWeight(link, at, most) {
    const [leaf, sign] = link.told.weight, x = sign * state.graph.value[leaf];
    link.write("weight", shown(x));
    link.write("wgrad", at.hasGrad[leaf] ? shown(sign * at.grad[leaf]) : "?");
    link.paint(x, most, WIDEST_WEIGHT);
  }

  /** @param {Part} link @param {any} at @param {number} most the size of the largest contribution */
  repaintLink(link, at, most) {
    const { graph } = state, edge = link.told.edges[0], target = edge >> 1;
    const x = arrived(link, at), known = at.known[target];
    const local = shown(graph.local[edge]), adjoint = shown(graph.grad[target]), total = x === null ? "?" : shown(x);
    link.write("local", known ? local : "?");
    link.write("times", `× ${x === null ? "?" : adjoint}`);
    const factors = link.texts.has("times"), several = link.told.edges.length > 1; // never both
    const sign = x !== null && factors ? signOf(graph, edge, state.data.precision) : "=";
    link.write("sum", factors || several ? `${sign} ${total}` : `${x !== null && x > 0 ? "+" : ""}${total}`);
    link.paint(x, most);
  }

  /** @param {Part} box @param {any} at */
  repaintBox(box, at) {
    const { value } = state.graph, { node, biases = [] } = box.told, links = this.arriving.get(box) || [];
    const terms = links.map((link) => arrived(link, at)).filter((x) => x !== null);
    const leafs = biases.map((/** @type {number[]} */ [leaf, sign]) => sign * value[leaf]);
    leafs.forEach((/** @type {number} */ x, /** @type {number} */ i) => box.write(`bias${i}`, shown(x)));
    if (node < 0) return;
    const grad = at.hasGrad[node] ? shown(at.grad[node]) : "?", written = terms.map(shown);
    box.write("value", at.known[node] ? shown(value[node]) : "?");
    box.write("grad", grad);
    const sum = written.reduce((total, x) => total + Number(x), 0);
    const sign = terms.length === links.length ? equals(sum, grad, state.data.precision) : "=";
    if (!box.texts.has("term1")) return box.write("term0", `= sum of ${terms.length}`);
    for (let i = 0; box.texts.has(`term${i}`); i++) {
      const term = written[i] ?? "?";
      box.write(`term${i}`, `${i ? "+" : sign} ${i ? bracketed(term) : term}`);
    }
  }

  /** Shows which parts an event is about, what flows, and which numbers are new. @param {any} event */
  highlight(event) {
    const back = event?.phase === "backward", edges = back ? [event.edge] : event ? [2 * event.node, 2 * event.node + 1] : [];
    const links = new Set(edges.map((/** @type {number} */ edge) => this.linkOf.get(edge)).filter(Boolean));
    const box = event && this.boxOf.get(event.node), link = this.linkOf.get(event?.edge);
    const term = link ? `term${this.arriving.get(box)?.indexOf(link)}` : "";
    mark(this.svg, "now", [box?.group, ...[...links].map((one) => one?.group)]);
    mark(this.svg, "fresh", [...(back ? ["grad", term] : ["value"]).map((slot) => box?.texts.get(slot)?.element), link?.texts.get("sum")?.element]);
    this.flows.replaceChildren(...[...links].map((one) =>
      make("svg:path", { class: back ? "flow back" : "flow", d: one?.line.getAttribute("d"), fill: "none" })));
  }

  /** Lights these nodes and edges, so that all others fade. @param {Set<number>} nodes @param {Set<number>} edges */
  light(nodes, edges) {
    this.svg.classList.toggle("traced", nodes.size > 0);
    const parts = [...[...nodes].map((node) => this.boxOf.get(node)), ...[...edges].map((edge) => this.linkOf.get(edge))];
    mark(this.svg, "lit", parts.map((part) => part?.group));
  }
}

/** Gives a class to these elements of a picture, and takes it from all others. @param {Element} svg @param {string} name @param {any[]} elements */
function mark(svg, name, elements) {
  const marked = new Set(elements.filter(Boolean));
  for (const element of [...svg.getElementsByClassName(name)]) element.classList.toggle(name, marked.has(element));
  for (const element of marked) element.classList.add(name);
}

/** @param {Float64Array} numbers @param {number[]} edges @returns {number} */
function sumOf(numbers, edges) {
  return edges.reduce((sum, edge) => sum + numbers[edge], 0);
}

/** What a link has brought until a moment; null before that. @param {Part} link @param {any} at @returns {number | null} */
function arrived(link, at) {
  const passed = link.told.edges.filter((/** @type {number} */ edge) => at.passed[edge]);
  return passed.length ? sumOf(state.graph.contribution, passed) : null;
}
