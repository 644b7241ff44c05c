// Looking closer: what a box or a link says, the paths to the output, search, size, theme and level.

/** @type {Object<string, string>} */
const KINDS = { l: "leaf", c: "constant", o: "operation" };
let pointed = ""; // the part under the pointer or with the focus: "node 3", "edge 7 9", "box ID"
let scale = 0; // pixels for each point of the picture; 0: it fits
/** @type {any} */
let drag = null; // what the pointer drags: the paper, or a leaf

/** The node that is selected, or -1. @returns {number} */
function selectedNode() {
  return state.selected.startsWith("node ") ? Number(state.selected.slice(5)) : -1;
}

/** Selects a part: "node 3". @param {string} part */
function choose(part) {
  if (state.selected === part) return;
  state.selected = part;
  update("look");
}

/** What a part of the picture stands for. @param {Part | undefined} part @returns {string} */
function meaning(part) {
  if (!part?.told.holds) return part?.told.edges.length ? `edge ${part.told.edges.join(" ")}` : "";
  return part.told.node < 0 ? `box ${part.id}` : `node ${part.told.node}`;
}

/** The leaf whose number a part shows: its own, or that of a weight; -1 if there is none. @param {Part | undefined} part @returns {number} */
function leafOf(part) {
  const leaf = part?.told.weight?.[0] ?? part?.told.node;
  return leaves.has(leaf) ? leaf : -1;
}

/** The part of the picture where something happens. @param {any} event @returns {Part | undefined} */
function partAt(event) {
  return levelShown().parts.get(event.target.closest?.(".node, .edge")?.id);
}

/** All nodes and edges between some nodes and the output, and how many paths. @param {number[]} from */
function pathsFrom(from) {
  const { graph } = state, ways = new Float64Array(graph.n), nodes = new Set(from), edges = new Set();
  for (const node of from) ways[node] = 1;
  for (let edge = 0; edge < 2 * graph.n; edge++) { // operands come before their use
    if (!nodes.has(graph.source(edge))) continue;
    nodes.add(edge >> 1);
    edges.add(edge);
    ways[edge >> 1] += ways[graph.source(edge)];
  }
  return { nodes, edges, count: from.includes(graph.output) ? 0 : ways[graph.output] };
}

/** Shows what is pointed at, or selected: its numbers and its paths to the output. */
function repaintPanel() {
  const { graph, data, selected, position, at } = state, [kind, ...rest] = (pointed || selected).split(" "), ids = rest.map(Number);
  const edges = kind === "edge" ? ids : [], node = kind === "node" ? ids[0] : -1, group = levelShown().parts.get(rest[0]);
  const { nodes, edges: lit, count } = pathsFrom(edges.length ? edges.map((edge) => edge >> 1) : node < 0 ? [] : [node]);
  for (const edge of edges) nodes.add(graph.source(edge)) && lit.add(edge);
  const lines = graph.events.flatMap((event, i) =>
    i < position && (event.node === node || edges.includes(event.edge)) ? [eventLine(graph, data, i).replace(/^\w+ +/, "")] : []);
  if (edges.some((edge) => !graph.passes[edge])) lines.push("no gradient flows here");
  else if (edges.length && !lines.length) lines.push("no gradient has come here yet");
  if (node >= 0) {
    const what = KINDS[data.kind[node]] + (node === graph.output ? ", the output" : "");
    const grad = data.kind[node] === "c" ? "" : `, grad ${at.hasGrad[node] ? shown(at.grad[node]) : "?"}`;
    lines.unshift([what, data.role[node], data.group[node]].filter(Boolean).join(", "), `value ${at.known[node] ? shown(graph.value[node]) : "?"}${grad}`);
  }
  const title = edges.length ? `${data.name[graph.source(edges[0])]} → ${data.name[edges[0] >> 1]}` : data.name[node];
  const paths = count ? `${count} path${count > 1 ? "s" : ""} to ${data.name[graph.output]}` : "";
  say({ paths, "panel-title": title ?? (data.group[group?.told.holds[0]] || "") });
  byId("panel-lines").replaceChildren(...lines.map((text) => make("li", { text })));
  byId("panel-words").hidden = !kind;
  levelShown().light(pointed ? nodes : new Set(), pointed ? lit : new Set());
  mark(levelShown().svg, "selected", levelShown().boxes.filter((box) => meaning(box) === selected).map((box) => box.group));
}

/** The live numbers of the table below the picture, while it is open. */
function repaintTable() {
  const table = byId("numbers"), { graph, at } = state;
  if (!table?.closest("details")?.open) return;
  for (const row of table.querySelectorAll("tr[data-node]")) {
    const node = Number(row.dataset.node), [value, grad] = row.querySelectorAll("td");
    value.textContent = at.known[node] ? shown(graph.value[node]) : "?";
    grad.textContent = at.hasGrad[node] ? shown(at.grad[node]) : "?";
  }
}

/** Shows the level and the theme of the state. */
function showLevel() {
  const { data, level, theme } = state;
  for (const { svg, name } of data.levels) byId(svg).toggleAttribute("hidden", name !== level);
  byId("level").value = level;
  byId("theme").value = document.documentElement.dataset.theme = theme;
  byId("legend-of").textContent = level === "network" ? "Weight:" : "Contribution to the gradient:";
  zoomBy(1);
}

/** Another level, with the same numbers. @param {string} name */
function openLevel(name) {
  state.level = name;
  pointed = "";
  update("level");
}

/** Larger or smaller by a factor; 0: as it was at first, -1: all of it. @param {number} factor */
function zoomBy(factor) {
  const frame = byId("picture"), { svg } = levelShown(), { width, height } = svg.viewBox.baseVal;
  const fits = frame.clientWidth / width, highest = parseFloat(getComputedStyle(frame).maxHeight) || Infinity;
  const whole = Math.min(fits, highest / height);
  // at 0.82, the numbers have 18 pixels: a class reads them; a network is seen whole if they have 11
  const least = state.level === "network" ? 0.5 : 0.75, first = Math.min(1.5, whole < least ? Math.min(0.82, fits < least ? 1 : fits) : whole);
  const middle = (frame.scrollLeft + frame.clientWidth / 2) / (frame.scrollWidth || 1);
  if (factor > 0 && factor !== 1) scale = Math.min(8, Math.max(0.05, (scale || first) * factor));
  if (factor <= 0) scale = factor && whole;
  svg.style.width = `${width * (scale || first)}px`;
  svg.style.height = `${height * (scale || first)}px`;
  frame.scrollLeft = middle * frame.scrollWidth - frame.clientWidth / 2;
}

/** Brings the current event into the frame, where the picture is larger than it. */
function follow() {
  const frame = byId("picture"), box = levelShown().svg.querySelector(".node.now");
  if (!box) return;
  const at = box.getBoundingClientRect(), around = frame.getBoundingClientRect();
  if (at.left < around.left || at.right > around.right) frame.scrollLeft += (at.left + at.right - around.left - around.right) / 2;
  if (at.top < around.top || at.bottom > around.bottom) frame.scrollTop += (at.top + at.bottom - around.top - around.bottom) / 2;
}

/** Finds the first node, or the next one, with a name that contains what is typed. @param {boolean} again */
function findName(again) {
  const { data } = state, wanted = byId("search").value.trim().toLowerCase();
  const matches = (/** @type {number} */ node) => `${data.name[node]} ${data.label[node]}`.toLowerCase().includes(wanted);
  const found = wanted ? [...data.name.keys()].filter(matches) : [];
  const at = again ? (found.indexOf(selectedNode()) + 1) % found.length : 0;
  byId("found").textContent = !wanted ? "" : found.length ? `${at + 1} of ${found.length}` : "no such name";
  if (!found.length) return;
  pointed = ""; // the panel tells of what is found, wherever the pointer rests
  choose(`node ${found[at]}`);
  levelShown().boxOf.get(found[at])?.group.scrollIntoView({ block: "nearest", inline: "center" });
}

/** Begins to drag: a leaf's number by its box, or the paper. @param {PointerEvent} event */
function press(event) {
  const frame = byId("picture"), leaf = leafOf(partAt(event));
  if (event.button || (leaf < 0 && event.pointerType !== "mouse")) return; // a finger scrolls
  drag = { leaf, x: event.clientX, y: event.clientY, left: frame.scrollLeft, top: frame.scrollTop, from: state.graph.value[leaf] };
}

/** Goes on to drag. @param {PointerEvent} event */
function pull(event) {
  if (!drag) return;
  const frame = byId("picture"), dx = event.clientX - drag.x, dy = event.clientY - drag.y;
  if (!drag.moved && Math.hypot(dx, dy) < 4) return;
  if (!drag.moved) frame.setPointerCapture(event.pointerId);
  drag.moved = true;
  if (drag.leaf >= 0) nudge(drag.leaf, Math.round(dx / 2), drag.from);
  else frame.scrollTo(drag.left - dx, drag.top - dy);
}

/** Selects what was clicked, or opens a group. @param {Event} event */
function clicked(event) {
  const part = partAt(event), moved = drag?.moved, { finer } = levelShown();
  drag = null;
  if (moved) return;
  if (finer && part?.told.holds && (part.told.node < 0 || part.told.holds.length > 1)) openLevel(finer);
  else choose(part?.told.weight ? `node ${leafOf(part)}` : meaning(part));
}

/** The keys of a part. @param {KeyboardEvent} event */
function partKey(event) {
  const part = partAt(event), leaf = leafOf(part), steps = { ArrowUp: 1, ArrowDown: -1 }[event.key];
  if (part && (event.key === "Enter" || event.key === " ")) clicked(event);
  else if (steps && leaf >= 0) nudge(leaf, steps * (event.shiftKey ? 10 : 1));
  else if (event.key === "Escape") choose("");
  else return;
  event.preventDefault();
}

/** Turns the wheel: over a leaf its number, else the size; until it is clicked, the page scrolls. @param {WheelEvent} event */
function turn(event) {
  const leaf = leafOf(partAt(event)), own = byId("picture").contains(document.activeElement);
  if (!event.ctrlKey && !own) return;
  event.preventDefault();
  if (own && leaf >= 0) nudge(leaf, -Math.sign(event.deltaY));
  else zoomBy(event.deltaY < 0 ? 1.1 : 1 / 1.1);
}

/** Shows the part that is pointed at, and what a screen reader says of it. @param {Event} event */
function point(event) {
  const gone = event.type === "pointerleave" || event.type === "focusout", part = gone ? undefined : partAt(event);
  const link = part && !part.told.holds && part.told.edges[0], { graph, data } = state;
  const ends = typeof link === "number" ? [`from ${data.name[graph.source(link)]} to ${data.name[link >> 1]}:`] : [];
  const texts = [...(part?.group.querySelectorAll("text") ?? [])].map((text) => text.textContent);
  if (part) part.group.ariaLabel = [...ends, ...texts].join(" ");
  if (drag?.moved || meaning(part) === pointed) return;
  pointed = meaning(part);
  repaintPanel();
  document.dispatchEvent(new Event("pointed"));
}

/** Connects the picture and the controls of its look. */
function startLook() {
  const frame = byId("picture"), page = document.querySelector(".halves");
  /** @type {Object<string, (event: any) => void>} */
  const acts = { pointerover: point, focusin: point, pointerleave: point, focusout: point, pointerdown: press, pointermove: pull,
    pointercancel: () => (drag = null), click: clicked, keydown: partKey };
  for (const [type, act] of Object.entries(acts)) frame.addEventListener(type, act);
  frame.addEventListener("wheel", turn, { passive: false });
  byId("level").onchange = () => openLevel(byId("level").value);
  byId("theme").onchange = () => ((state.theme = byId("theme").value), update("level"));
  byId("show").onchange = () => (frame.dataset.show = byId("show").value);
  byId("search").oninput = () => findName(false);
  byId("search").addEventListener("keydown", (/** @type {KeyboardEvent} */ { key }) => key === "Enter" && findName(true));
  const widen = () => (byId("wide").ariaPressed = String(page?.classList.toggle("wide-picture")), zoomBy(1));
  onClick({ zoomin: () => zoomBy(1.25), zoomout: () => zoomBy(0.8), fit: () => zoomBy(-1), first: () => zoomBy(0), wide: widen });
  byId("numbers").closest("details").ontoggle = repaintTable;
  addEventListener("resize", () => zoomBy(1));
}
