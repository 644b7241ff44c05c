// Looking closer: what a box or a link says, the paths to the output, search, size, theme and level.

let pointed = ""; // the part under the pointer or with the focus: "node 3", "edge 7"
let scale = 0; // pixels for each point of the picture; 0: it fits
/** @type {any} */
let drag = null; // what the pointer drags: the paper, or a leaf

/** The node that is selected, or -1. @returns {number} */
function selectedNode() {
  return state.selected.startsWith("node ") ? Number(state.selected.slice(5)) : -1;
}

/** Selects a part. @param {string} part */
function choose(part) {
  if (state.selected === part) return;
  state.selected = part;
  update("look");
}

/** What a part of the picture stands for: "node 3", "edge 7", or "". @param {Part | undefined} part @returns {string} */
function meaning(part) {
  if (!part) return "";
  if (part.told.holds) return part.told.node < 0 ? `box ${part.id}` : `node ${part.told.node}`;
  return part.told.edges.length ? `edge ${part.told.edges.join(" ")}` : "";
}

/** The part of the visible level that an event is about. @param {any} event @returns {Part | undefined} */
function partAt(event) {
  const group = event.target instanceof Element && event.target.closest(".node, .edge");
  return group ? levelShown().parts.get(group.id) : undefined;
}

/** All nodes and edges between a node and the output. @param {number[]} from */
function pathsFrom(from) {
  const { graph } = state, ways = new Float64Array(graph.n);
  const nodes = new Set(from), edges = new Set();
  for (const node of from) ways[node] = 1;
  for (let node = 0; node < graph.n; node++) {
    for (const edge of [2 * node, 2 * node + 1]) {
      const source = sourceOf(edge);
      if (source < 0 || !nodes.has(source) || graph.op[node] < 0) continue;
      nodes.add(node);
      edges.add(edge);
      ways[node] += ways[source];
    }
  }
  return { nodes, edges, count: from.includes(graph.output) ? 0 : ways[graph.output] };
}

/** Shows what is pointed at, or selected: its numbers and its paths to the output. */
function repaintPanel() {
  const { graph, data } = state, part = pointed || state.selected;
  const [kind, ...ids] = part.split(" "), [id] = ids.map(Number);
  byId("panel-words").hidden = !part;
  byId("panel-hint").hidden = Boolean(part);
  if (kind === "edge") describe(`${data.name[sourceOf(id)]} → ${data.name[id >> 1]}`, ids.map(Number));
  else if (kind === "node") describe(data.name[id], [], id);
  else if (kind === "box") describe(data.group[levelShown().parts.get(ids.join(" "))?.told.holds[0]] || "group", []);
  const from = kind === "edge" ? ids.map((edge) => sourceOf(Number(edge))) : kind === "node" ? [id] : [];
  const { nodes, edges, count } = pathsFrom(kind === "edge" ? ids.map((edge) => Number(edge) >> 1) : from);
  if (kind === "edge") for (const [i, edge] of ids.entries()) edges.add(Number(edge)), nodes.add(from[i]);
  byId("paths").textContent = from.length && count
    ? `${count} path${count > 1 ? "s" : ""} to ${data.name[graph.output]}` : "";
  levelShown().light(pointed ? nodes : new Set(), pointed ? edges : new Set());
  for (const box of levelShown().boxes) box.group.classList.toggle("selected", meaning(box) === state.selected);
}

/** Fills the panel. @param {string} title @param {number[]} edges @param {number} [node] */
function describe(title, edges, node) {
  const { graph, data } = state, lines = [];
  const write = (/** @type {number} */ x) => rounded(x, data.precision);
  if (node !== undefined) {
    const kinds = { l: "leaf", c: "constant", o: "operation" };
    const kind = kinds[/** @type {"l"} */ (data.kind[node])] + (node === graph.output ? ", the output" : "");
    lines.push([kind, data.role[node], data.group[node]].filter(Boolean).join(", "));
    lines.push(`value ${write(graph.value[node])}` + (data.kind[node] === "c" ? "" : `, grad ${write(graph.grad[node])}`));
  }
  graph.events.forEach((/** @type {any} */ event, /** @type {number} */ i) => {
    const about = edges.includes(event.edge) || (node !== undefined && event.node === node);
    if (about) lines.push(eventLine(graph, data, i).replace(/^\w+ +/, ""));
  });
  for (const edge of edges) if (!graph.passes[edge]) lines.push("no gradient flows here");
  byId("panel-title").textContent = title;
  byId("panel-lines").replaceChildren(...lines.map((text) => make("li", { text })));
}

/** The live numbers of the table below the picture, while it is open. */
function repaintTable() {
  const table = byId("numbers"), { graph, data, position } = state;
  if (!table || (table.closest("details") && !table.closest("details").open)) return;
  const at = graph.moment(position);
  for (const row of table.querySelectorAll("tr[data-node]")) {
    const node = Number(row.dataset.node), [value, grad] = row.querySelectorAll("td");
    value.textContent = at.known[node] ? rounded(graph.value[node], data.precision) : "?";
    grad.textContent = at.hasGrad[node] ? rounded(at.grad[node], data.precision) : "?";
  }
}

/** Makes the parts of a level reachable by the keyboard. @param {Level} made */
function prepareLevel(made) {
  made.svg.setAttribute("role", "group");
  for (const part of made.parts.values()) {
    if (!meaning(part)) continue;
    setAll(part.group, { tabindex: part.told.holds || made.links.length < 100 ? "0" : "-1", role: "button", "aria-label": titleOf(part) });
    const node = part.told.node;
    if (node !== undefined && state.data.kind[node] === "l") part.group.classList.add("movable");
  }
}

/** @param {Part} part @returns {string} what a screen reader says */
function titleOf(part) {
  const { data } = state, { node, edges, holds } = part.told;
  if (!holds) return `from ${data.name[sourceOf(edges[0])]} to ${data.name[edges[0] >> 1]}`;
  if (node < 0 || holds.length > 1) return `${data.group[holds[0]] || "group"}, ${holds.length} values inside: open`;
  const kinds = { l: "leaf", c: "constant", o: "operation" };
  return `${data.name[node]}, ${kinds[/** @type {"l"} */ (data.kind[node])]}`;
}

/** Shows the level of the state, and hides the others. */
function showLevel() {
  for (const told of state.data.levels) byId(told.svg).toggleAttribute("hidden", told.name !== state.level);
  byId("level").value = state.level;
  byId("theme").value = state.theme;
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  if (state.theme === state.data.theme) delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = state.theme === "system" ? (dark ? "dark" : "light") : state.theme;
  zoomBy(1);
}

/** Another level, with the same numbers. @param {string} name */
function openLevel(name) {
  state.level = name;
  pointed = "";
  update("level");
}

/** Opens a group: the next finer level. @returns {boolean} whether there is one */
function openFiner() {
  const size = (/** @type {any} */ told) => byId(told.svg).querySelectorAll(".node").length;
  const here = state.data.levels.find((/** @type {any} */ told) => told.name === state.level);
  const finer = state.data.levels.filter((/** @type {any} */ told) => size(told) > size(here));
  if (!finer.length) return false;
  openLevel(finer.sort((/** @type {any} */ p, /** @type {any} */ q) => size(p) - size(q))[0].name);
  return true;
}

/** Larger or smaller by a factor; 0: as it was at first, -1: all of it. @param {number} factor */
function zoomBy(factor) {
  const frame = byId("picture"), { svg } = levelShown();
  const [, , width, height] = svg.getAttribute("viewBox").split(/[ ,]+/).map(Number);
  const fits = Math.min(frame.clientWidth / width, Math.max(240, frame.clientHeight || innerHeight * 0.6) / height);
  const across = frame.scrollWidth || 1, middle = (frame.scrollLeft + frame.clientWidth / 2) / across;
  if (factor <= 0) scale = 0;
  if (factor > 0 && factor !== 1) scale = (scale || Math.max(0.82, Math.min(1.5, frame.clientWidth / width))) * factor;
  scale = Math.min(8, Math.max(0, scale));
  // the numbers of the picture have 22 points: at 0.82 they are as large as 18 pixels
  const shown = factor === -1 ? fits : scale || Math.max(0.82, Math.min(1.5, frame.clientWidth / width));
  if (factor === -1) scale = fits;
  svg.style.width = `${width * shown}px`;
  svg.style.height = `${height * shown}px`;
  frame.scrollLeft = middle * frame.scrollWidth - frame.clientWidth / 2;
}

/** Brings the current event into the frame, where the picture is larger than it. */
function follow() {
  const frame = byId("picture"), box = [...levelShown().now].find((part) => part.told.holds);
  if (!box || (frame.scrollWidth <= frame.clientWidth && frame.scrollHeight <= frame.clientHeight)) return;
  const at = box.group.getBoundingClientRect(), around = frame.getBoundingClientRect();
  if (at.left < around.left || at.right > around.right) frame.scrollLeft += (at.left + at.right - around.left - around.right) / 2;
  if (at.top < around.top || at.bottom > around.bottom) frame.scrollTop += (at.top + at.bottom - around.top - around.bottom) / 2;
}

/** Finds the next node with a name that contains what is typed. @param {boolean} again */
function findName(again) {
  const { data } = state, wanted = byId("search").value.trim().toLowerCase();
  /** @type {number[]} */
  const found = wanted ? data.name.flatMap((/** @type {string} */ name, /** @type {number} */ node) =>
    `${name} ${data.label[node] || ""}`.toLowerCase().includes(wanted) ? [node] : []) : [];
  const at = again ? found.indexOf(selectedNode()) + 1 : 0;
  const node = found[at % found.length];
  byId("found").textContent = wanted ? (found.length ? `${at % found.length + 1} of ${found.length}` : "no such name") : "";
  if (node === undefined) return;
  choose(`node ${node}`);
  levelShown().boxOf.get(node)?.group.scrollIntoView({ block: "nearest", inline: "center" });
}

/** Begins to drag: a leaf's number by its box, or the paper. @param {PointerEvent} event */
function press(event) {
  const part = partAt(event), frame = byId("picture");
  if (event.button) return;
  const leaf = part && leaves.has(part.told.node) && part.told.holds ? part.told.node : -1;
  if (leaf < 0 && event.pointerType !== "mouse") return; // a finger scrolls
  drag = { leaf, part, x: event.clientX, y: event.clientY, left: frame.scrollLeft, top: frame.scrollTop,
    from: leaf < 0 ? 0 : state.graph.number(leaf), moved: false };
}

/** Goes on to drag. @param {PointerEvent} event */
function pull(event) {
  if (!drag) return;
  const frame = byId("picture"), [dx, dy] = [event.clientX - drag.x, event.clientY - drag.y];
  if (!drag.moved && Math.hypot(dx, dy) < 4) return;
  if (!drag.moved) frame.setPointerCapture(event.pointerId);
  drag.moved = true;
  if (drag.leaf >= 0) nudge(drag.leaf, Math.round(dx / 2), drag.from);
  else frame.scrollTo(drag.left - dx, drag.top - dy);
}

/** Selects what was clicked, or opens a group. @param {Event} event */
function clicked(event) {
  const part = partAt(event), moved = drag && drag.moved;
  drag = null;
  if (moved) return;
  if (part && part.told.holds && (part.told.node < 0 || part.told.holds.length > 1) && openFiner()) return;
  choose(meaning(part));
}

/** The keys of a box. @param {KeyboardEvent} event */
function partKey(event) {
  const part = partAt(event), steps = { ArrowUp: 1, ArrowDown: -1 }[event.key];
  if (part && (event.key === "Enter" || event.key === " ")) clicked(event);
  else if (steps && part && leaves.has(part.told.node)) nudge(part.told.node, steps * (event.shiftKey ? 10 : 1));
  else if (event.key === "Escape") choose("");
  else return;
  event.preventDefault();
}

/** Connects the picture and the controls of its look. */
function startLook() {
  const frame = byId("picture");
  const point = (/** @type {Event} */ event) => {
    const part = drag && drag.moved ? pointed : meaning(partAt(event));
    if (part === pointed) return;
    pointed = part;
    repaintPanel();
  };
  frame.addEventListener("pointerover", point);
  frame.addEventListener("focusin", point);
  for (const out of ["pointerleave", "focusout"]) frame.addEventListener(out, () => ((pointed = ""), repaintPanel()));
  frame.addEventListener("pointerdown", press);
  frame.addEventListener("pointermove", pull);
  frame.addEventListener("pointercancel", () => (drag = null));
  frame.addEventListener("click", clicked);
  frame.addEventListener("keydown", partKey);
  frame.addEventListener("wheel", (/** @type {WheelEvent} */ event) => {
    const part = partAt(event), own = frame.contains(document.activeElement);
    if (!event.ctrlKey && !own) return; // the page scrolls, until the picture is clicked
    event.preventDefault();
    if (own && part && leaves.has(part.told.node)) nudge(part.told.node, -Math.sign(event.deltaY));
    else zoomBy(event.deltaY < 0 ? 1.1 : 1 / 1.1);
  }, { passive: false });
  byId("level").replaceChildren(...state.data.levels.map((/** @type {any} */ { name }) => make("option", { value: name, text: name })));
  byId("level").onchange = () => openLevel(byId("level").value);
  byId("theme").onchange = () => ((state.theme = byId("theme").value), update("level"));
  byId("search").oninput = () => findName(false);
  byId("search").onkeydown = (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "Enter") findName(true); // what a handler returns decides whether the key is typed
  };
  for (const [id, factor] of [["zoomin", 1.25], ["zoomout", 0.8], ["fit", -1]]) byId(String(id)).onclick = () => zoomBy(Number(factor));
  byId("wide").onclick = () => {
    const wide = document.querySelector(".halves")?.classList.toggle("wide-picture");
    byId("wide").setAttribute("aria-pressed", String(wide));
    zoomBy(1);
  };
  byId("numbers")?.closest("details")?.addEventListener("toggle", repaintTable);
  addEventListener("resize", () => zoomBy(1));
}
