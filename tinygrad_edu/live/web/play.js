// Playing the passes: one event at a time, by buttons, keys or the clock.

let clock = 0; // of the timer, while it plays

/** Goes to a position, within the passes. @param {number} position */
function goTo(position) {
  state.position = Math.max(0, Math.min(state.graph.events.length, position));
  update("event");
}

/** @param {boolean} playing */
function setPlaying(playing) {
  clearTimeout(clock);
  state.playing = playing;
  if (playing && state.position === state.graph.events.length) goTo(0);
  else update("event");
  if (playing) clock = setTimeout(tick, 1000 / state.speed);
}

/** The next event, while it plays. */
function tick() {
  goTo(state.position + 1);
  if (state.position < state.graph.events.length) clock = setTimeout(tick, 1000 / state.speed);
  else setPlaying(false);
}

/** Stops, and goes by some events. @param {number} by */
function stepBy(by) {
  clearTimeout(clock);
  state.playing = false;
  goTo(state.position + by);
}

/** The current event as text, and as a formula with its numbers. */
function repaintEvent() {
  const { graph, data, position, playing } = state, count = graph.events.length;
  const event = graph.events[position - 1];
  const line = event ? eventLine(graph, data, position - 1) : givenLine(graph, data);
  const [word, ...rest] = line.split(/\s+/);
  byId("phase").textContent = word;
  byId("event").textContent = rest.join(" ");
  byId("formula").textContent = event ? formulaOf(event) : "";
  byId("place").textContent = `event ${position} of ${count}`;
  const scrub = byId("scrub");
  scrub.max = count;
  scrub.value = position;
  scrub.setAttribute("aria-valuetext", `${position} of ${count}`);
  byId("play").textContent = playing ? "Pause" : "Play";
  for (const [id, off] of [["start", position === 0], ["back", position === 0],
    ["forward", position === count], ["end", position === count]]) {
    byId(String(id)).setAttribute("aria-disabled", String(off));
  }
}

/** What an event does, such as w.grad += 0.5 × 2 = 1. @param {any} event @returns {string} */
function formulaOf(event) {
  const { graph, data } = state, { node, edge } = event;
  const write = (/** @type {number} */ x) => rounded(x, data.precision);
  const name = data.name[node];
  if (event.phase === "forward") return `${name} = ${write(graph.value[node])}`;
  if (edge < 0) return `${name}.grad = 1`;
  const [adjoint, local] = [write(graph.grad[edge >> 1]), write(graph.local[edge])];
  const total = write(graph.contribution[edge]);
  const signed = local.startsWith("-") ? `(${local})` : local;
  return `${name}.grad += ${adjoint} × ${signed} ${equals(Number(adjoint) * Number(local), total, data.precision)} ${total}`;
}

/** Keys that act wherever the focus is, but in a field. @param {KeyboardEvent} event */
function playKey(event) {
  const at = /** @type {Element} */ (event.target);
  if (event.ctrlKey || event.metaKey || event.altKey || at.closest("input, select, textarea")) return;
  const last = state.graph.events.length;
  /** @type {Object<string, () => void>} */
  const keys = {
    " ": () => setPlaying(!state.playing), ArrowRight: () => stepBy(1), ArrowLeft: () => stepBy(-1),
    Home: () => stepBy(-last), End: () => stepBy(last), "+": () => zoomBy(1.25), "=": () => zoomBy(1.25),
    "-": () => zoomBy(0.8), 0: () => zoomBy(0),
  };
  if (!(event.key in keys) || (event.key === " " && at.closest("button, summary, a, [role=button]"))) return;
  event.preventDefault();
  keys[event.key]();
}

/** Connects the controls. */
function startPlay() {
  const last = () => state.graph.events.length;
  byId("play").onclick = () => setPlaying(!state.playing);
  byId("forward").onclick = () => stepBy(1);
  byId("back").onclick = () => stepBy(-1);
  byId("start").onclick = () => stepBy(-last());
  byId("end").onclick = () => stepBy(last());
  byId("scrub").oninput = () => stepBy(Number(byId("scrub").value) - state.position);
  byId("speed").onchange = () => (state.speed = Number(byId("speed").value));
  document.addEventListener("keydown", playKey);
}
