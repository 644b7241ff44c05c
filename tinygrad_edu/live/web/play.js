// Playing the passes: one event at a time, by buttons, keys or the clock.

let clock = 0; // of the timer, while it plays

/** Goes to a position, within the passes. @param {number} position */
function goTo(position) {
  state.position = Math.max(0, Math.min(state.graph.events.length, position));
  update("event");
}

/** Where playing begins: here, or at the start if the passes are over. @returns {number} */
function orStart() {
  return state.position < state.graph.events.length ? state.position : 0;
}

/** Goes to a position, and plays on to the end of the passes, or stops. @param {boolean} playing @param {number} from */
function setPlaying(playing, from) {
  clearTimeout(clock);
  state.playing = playing && from < state.graph.events.length;
  if (state.playing) clock = setTimeout(() => setPlaying(true, state.position + 1), 1000 / Number(byId("speed").value));
  goTo(from);
}

/** The current event as text, and as a formula with its numbers. */
function repaintEvent() {
  const { graph, data, position, playing } = state, count = graph.events.length, event = graph.events[position - 1];
  const [phase, ...words] = (event ? eventLine(graph, data, position - 1) : givenLine(graph, data)).split(/\s+/);
  say({ phase, event: words.join(" "), formula: event ? formulaOf(event) + within(event.node) : "",
    place: `event ${position} of ${count}`, play: playing ? "Pause" : "Play" });
  Object.assign(byId("scrub"), { max: count, value: position, ariaValueText: `${position} of ${count}` });
  for (const id of ["start", "back"]) byId(id).ariaDisabled = String(position === 0);
  for (const id of ["forward", "end"]) byId(id).ariaDisabled = String(position === count);
}

/** What an event does, such as w.grad += 0.5 × 2 = 1. @param {{phase: string, node: number, edge: number}} event */
function formulaOf({ phase, node, edge }) {
  const { graph, data } = state, name = data.name[node];
  if (phase === "forward") return `${name} = ${shown(graph.value[node])}`;
  if (edge < 0) return `${name}.grad = 1`;
  const [adjoint, local, total] = [graph.grad[edge >> 1], graph.local[edge], graph.contribution[edge]].map(shown);
  return `${name}.grad += ${adjoint} × ${bracketed(local)} ${signOf(graph, edge, data.precision)} ${total}`;
}

/** Which box holds a node that has none of its own, such as the sum in a neuron. @param {number} node @returns {string} */
function within(node) {
  const box = levelShown().boxOf.get(node);
  return box && box.told.node !== node ? ` (in ${box.group.querySelector("text").textContent})` : "";
}

/** Connects the buttons, and the keys that act wherever the focus is, but in a field. */
function startPlay() {
  const by = (/** @type {number} */ events) => () => setPlaying(false, state.position + events);
  const play = () => setPlaying(!state.playing, orStart());
  onClick({ play, start: by(-Infinity), back: by(-1), forward: by(1), end: by(Infinity) });
  byId("scrub").oninput = () => setPlaying(false, Number(byId("scrub").value));
  document.addEventListener("keydown", (event) => {
    const at = /** @type {Element} */ (event.target), pressed = event.key === " " && at.closest("button, summary, .node, .edge");
    if (event.ctrlKey || event.metaKey || event.altKey || pressed || at.closest("input, select, textarea")) return;
    const button = /** @type {HTMLElement | null} */ (document.querySelector(`[data-keys~="${CSS.escape(event.key.replace(" ", "space"))}"]`));
    if (!button) return;
    event.preventDefault();
    button.click();
  });
}
