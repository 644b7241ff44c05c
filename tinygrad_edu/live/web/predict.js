// Predict, then reveal: before an event, the page asks for its number; it marks the answer, and goes on.

/**
 * What the page asks before an event, the right number, and the numbers of usual mistakes.
 * @param {{phase: string, node: number, edge: number}} event
 * @returns {{ask: string, right: number, wrong: [number, string][]}}
 */
function predicted({ phase, node, edge }) {
  const { graph, data } = state, name = data.name[node];
  if (phase === "forward") return { ask: `the value of ${name}`, right: graph.value[node], wrong: [] };
  if (edge < 0) return { ask: `the gradient of ${name} by itself`, right: 1, wrong: [] };
  const target = edge >> 1, from = data.name[target], local = graph.local[edge], arrives = graph.grad[target];
  const ask = `what ${from} -> ${name}${sideOf(graph, edge)} adds to ${name}.grad`;
  return { ask, right: graph.contribution[edge], wrong: [
    [local, `multiply the local derivative by ${from}.grad`], [arrives, `multiply ${from}.grad by the local derivative`],
    [arrives + local, "multiply, do not add"], [graph.grad[node], "this is the whole gradient; a part of it is asked"],
  ] };
}

/** Asks for the next event, if there is one and the reader wants to be asked. */
function askNext() {
  const event = state.graph.events[state.position], wanted = byId("predict").checked;
  const asks = Boolean(wanted && event && !state.playing);
  byId("guess-row").hidden = !asks;
  document.documentElement.classList.toggle("predicting", asks); // hides what tells the answer
  const { node, edge } = event ?? {}, ids = asks ? [`node-n${node}`, `node-e${node}_${edge >> 1}_${edge & 1}`] : [];
  mark(levelShown().svg, "next", ids.map((id) => levelShown().parts.get(id)?.group));
  if (asks) byId("guess-of").textContent = predicted(event).ask;
}

/** Marks the answer, if there is one, then lets the event happen. */
function reveal() {
  const field = byId("guess-number"), text = field.value.trim(), precision = state.data.precision;
  const { ask, right, wrong } = predicted(state.graph.events[state.position]), { value, reason } = numberTyped(text);
  byId("guess-mark").textContent = reason;
  if (text && reason) return field.select();
  const is = (/** @type {number} */ x) => nearby(value, precision).includes(nearby(x, precision)[0]);
  const [, mistake] = [[-right, "the sign is wrong"], ...wrong].find(([x]) => is(Number(x))) || [];
  const said = `${ask} is ${rounded(right, precision)}`;
  byId("guess-mark").textContent = !text ? said : is(right) ? `✓ Right, ${said}.` : `✗ No, ${said}${mistake ? `: ${mistake}` : ""}.`;
  field.value = "";
  goTo(state.position + 1);
  if (byId("guess-row").hidden) byId("start").focus();
}

/** Connects the controls. */
function startPredict() {
  byId("predict").onchange = () => {
    byId("guess-mark").textContent = "";
    if (byId("predict").checked) setPlaying(false, orStart());
    else askNext();
  };
  byId("reveal").onclick = reveal;
  byId("guess-number").onkeydown = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Enter") return;
    event.preventDefault(); // after the last event, it would press the button that gets the focus
    reveal();
  };
  document.addEventListener("repainted", askNext);
}
