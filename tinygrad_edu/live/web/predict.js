// Predict, then reveal: before an event, the page asks for its number; it marks the answer, and goes on.

/**
 * What the page asks before an event, the right number, and the numbers of usual mistakes.
 * @param {{phase: string, node: number, edge: number}} event
 * @returns {{ask: string, right: number, wrong: [number, string][]}}
 */
function predicted(event) {
  const { graph, data } = state, { node, edge } = event, name = data.name[node];
  if (event.phase === "forward") {
    const right = graph.value[node];
    return { ask: `the value of ${name}`, right, wrong: [[-right, "the sign is wrong"]] };
  }
  if (edge < 0) return { ask: `the gradient of ${name} by itself`, right: 1, wrong: [] };
  const right = graph.contribution[edge], target = data.name[edge >> 1];
  const local = graph.local[edge], arrives = graph.grad[edge >> 1];
  const side = graph.a[edge >> 1] === graph.b[edge >> 1] ? [" (left)", " (right)"][edge & 1] : "";
  return {
    ask: `what ${target} -> ${name}${side} adds to ${name}.grad`,
    right,
    wrong: [
      [-right, "the sign is wrong"], [local, `multiply the local derivative by ${target}.grad`],
      [arrives, `multiply ${target}.grad by the local derivative`], [arrives + local, "multiply, do not add"],
      [graph.grad[node], "this is the whole gradient; only this path's part is asked"],
    ],
  };
}

/** Asks for the next event, if there is one and the reader wants to be asked. */
function askNext() {
  const event = state.graph.events[state.position], wanted = byId("predict").checked;
  const asks = wanted && event && !state.playing;
  byId("guess").hidden = !wanted;
  byId("guess-row").hidden = !asks;
  document.documentElement.classList.toggle("predicting", Boolean(asks)); // hides what tells the answer
  for (const part of document.querySelectorAll(".next")) part.classList.remove("next");
  if (!asks) return;
  const { node, edge } = event;
  const link = byId(`node-e${node}_${edge >> 1}_${edge & 1}`);
  for (const part of [byId(`node-n${node}`), link]) if (part) part.classList.add("next");
  byId("guess-of").textContent = predicted(event).ask;
}

/** Marks the answer, then lets the event happen. */
function reveal() {
  const field = byId("guess-number"), event = state.graph.events[state.position];
  const { ask, right, wrong } = predicted(event), precision = state.data.precision;
  let mark = `${ask} is ${rounded(right, precision)}`;
  if (field.value.trim()) {
    const { value, reason } = numberTyped(field.value);
    byId("guess-mark").textContent = reason;
    if (reason) return field.select();
    const given = nearby(value, precision), is = (/** @type {number} */ x) => given.includes(nearby(x, precision)[0]);
    const mistake = wrong.find(([x]) => is(x));
    mark = is(right) ? `✓ Right, ${mark}.` : `✗ No, ${mark}${mistake ? `: ${mistake[1]}` : ""}.`;
  }
  byId("guess-mark").textContent = mark;
  field.value = "";
  goTo(state.position + 1);
  if (byId("guess-row").hidden) byId("start").focus();
}

/** Connects the controls. */
function startPredict() {
  byId("predict").onchange = () => {
    byId("guess-mark").textContent = "";
    if (byId("predict").checked) setPlaying(false);
    if (byId("predict").checked && state.position === state.graph.events.length) goTo(0);
    askNext();
  };
  byId("reveal").onclick = reveal;
  byId("guess-number").onkeydown = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Enter") return;
    event.preventDefault(); // after the last event, it would press the button that gets the focus
    reveal();
  };
  document.addEventListener("repainted", askNext);
}
