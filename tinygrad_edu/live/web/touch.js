// Touching the numbers: every leaf by field, slider and dragging; the tangent; gradient descent.

/** @type {Map<number, {field: any, slider: any, moves: any, wrong: any, grad: any, ends: any, reach: number, step: number, x: number | null}>} */
const leaves = new Map();
const SAMPLES = 60; // points of the curve beside a tangent
const BOUND = 1e6; // times the first output: a larger one has diverged
let push = 0.1, descending = 0; // the push on a leaf; the timer, while steps run

/** Gives a leaf another number. @param {number} leaf @param {number} x */
function setLeaf(leaf, x) {
  state.graph.value[leaf] = x;
  state.losses = [];
  update("numbers");
}

/** Moves a leaf by some of its steps. @param {number} leaf @param {number} steps */
function nudge(leaf, steps, from = state.graph.value[leaf]) {
  const step = leaves.get(leaf)?.step || 1;
  setLeaf(leaf, tidy(Math.round(from / step + steps) * step));
}

/** @param {number} x @returns {number} without the last digits, which are rounding errors */
function tidy(x) {
  return Number(x.toPrecision(12));
}

/** Calls a function with the number in a field, each time it is changed; a text that is none gets a line beside it.
 * @param {any} field @param {any} wrong where the line is @param {(x: number) => void} act @param {string} [rule] for finite numbers */
function readNumber(field, wrong, act, rule = "") {
  field.onchange = () => {
    const { value, reason } = parse(field.value), problem = reason || (rule && !Number.isFinite(value) ? rule : "");
    wrong.textContent = problem;
    field.ariaInvalid = String(problem !== "");
    if (!problem) act(value);
  };
}

/** Makes the row of a leaf. @param {number} leaf @param {boolean} moving whether descent moves it @returns {any} */
function leafRow(leaf, moving) {
  const { data, graph } = state, name = data.name[leaf], x = Number.isFinite(graph.value[leaf]) ? graph.value[leaf] : 0;
  const row = byId("leaf-row").content.firstElementChild.cloneNode(true);
  const [moves, look, role, field, slider, grad, wrong] = row.querySelectorAll("input, button, small, output, .wrong");
  const reach = 2 * Math.max(1, Math.abs(x)), step = tidy(10 ** (Math.floor(Math.log10(reach)) - 2));
  const [min, max] = [x - reach, x + reach].map((end) => tidy(Math.round(end / step) * step));
  setAll(field, { id: `leaf-${leaf}`, "aria-label": `${name} =`, "aria-describedby": `wrong-${leaf}` });
  setAll(slider, { id: `slide-${leaf}`, min, max, step, "aria-label": `${name}, slider` });
  Object.assign(moves, { id: `moves-${leaf}`, checked: moving, ariaLabel: `descent moves ${name}` });
  Object.assign(look, { textContent: name, ariaLabel: `look at ${name}` });
  role.textContent = data.role[leaf] || "";
  wrong.id = `wrong-${leaf}`;
  readNumber(field, wrong, (number) => setLeaf(leaf, number));
  slider.oninput = () => setLeaf(leaf, Number(slider.value));
  const write = () => wrong.textContent || (field.value = fieldText(field, graph.value[leaf]));
  look.onclick = slider.onfocus = () => choose(`node ${leaf}`);
  field.onfocus = () => (write(), choose(`node ${leaf}`));
  field.onblur = write;
  leaves.set(leaf, { field, slider, moves, wrong, grad, ends: { min, max }, reach, step, x: null });
  return row;
}

/** Shows the numbers of the leaves, and the first that is not finite. */
function repaintLeaves() {
  const { graph, data, at } = state, bad = graph.firstNonfinite();
  for (const [leaf, row] of leaves) {
    const { field, slider, grad, wrong } = row, x = graph.value[leaf], text = numeralOf(x);
    const slope = `grad ${at.hasGrad[leaf] ? shown(at.grad[leaf]) : "?"}`;
    if (grad.textContent !== slope) grad.textContent = slope;
    if (Object.is(x, row.x)) continue;
    row.x = x;
    wrong.textContent = "";
    Object.assign(field, { value: fieldText(field, x), ariaInvalid: "false" });
    if (Number.isFinite(x)) Object.assign(slider, { min: Math.min(slider.min, x), max: Math.max(slider.max, x) });
    Object.assign(slider, { value: x, ariaValueText: text });
  }
  say({ trouble: bad < 0 ? "" : `${data.name[bad]} is ${shown(graph.value[bad])}: the first number that is not finite.` });
}

/** The shortest text that is read back as the same number. @param {number} x @returns {string} */
function numeralOf(x) {
  return Object.is(x, -0) ? "-0" : String(x).replace("Infinity", "inf").replace("NaN", "nan");
}

/** A number in a field: whole in the one with the focus. @param {any} field @param {number} x @returns {string} */
function fieldText(field, x) {
  return field === document.activeElement ? numeralOf(x) : rounded(x, state.data.precision + 2);
}

/** The output if a leaf were another number. @param {number} leaf @param {number} x @returns {number} */
function outputAt(leaf, x) {
  const { graph } = state, v = graph.value.slice();
  v[leaf] = x;
  forward(graph.op, graph.a, graph.b, v, 0, graph.n);
  return v[graph.output];
}

/** What a small push on the selected leaf does, beside what its gradient predicts. */
function repaintTangent() {
  const { graph, data } = state, leaf = selectedNode(), row = leaves.get(leaf);
  byId("tangent").hidden = !row;
  byId("tangent-plot").toggleAttribute("hidden", !Number.isFinite(graph.value[leaf]));
  if (!row) return;
  const x = graph.value[leaf], y = graph.value[graph.output], grad = graph.grad[leaf], name = data.name[leaf];
  const real = outputAt(leaf, x + push) - y, predicted = grad * push;
  say({ "tangent-of": `A small push on ${name}`, predicted: `${shown(grad)} × ${shown(push)} = ${shown(predicted)}`,
    real: shown(real), miss: shown(real - predicted) });
  const reach = Math.max(2 * Math.abs(push), row.reach / 4);
  const xs = between(x - reach, x + reach, SAMPLES + 1);
  curve(byId("tangent-plot"), [
    { class: "line", xs, ys: xs.map((at) => outputAt(leaf, at)) },
    { class: "touching", xs, ys: xs.map((at) => y + grad * (at - x)), fits: false },
    { class: "spot", xs: [x], ys: [y] },
    { class: "pushed", xs: [x + push], ys: [y + real] },
  ], name, data.name[graph.output]);
}

/** Numbers in equal steps, from one end to the other. @param {number} low @param {number} high @param {number} count */
function between(low, high, count) {
  return Array.from({ length: count }, (_, i) => low + ((high - low) * i) / Math.max(1, count - 1));
}

/**
 * Draws curves with axes and their numbers; one point is a dot.
 * @param {any} svg
 * @param {{class: string, xs: number[], ys: number[], fits?: boolean}[]} series those that do not
 *   `fits` are cut off at the others' range
 * @param {string} across @param {string} up the words at the axes
 */
function curve(svg, series, across, up) {
  const [left, right, top, bottom] = [104, 388, 26, 220], fitting = series.filter((one) => one.fits !== false);
  const span = (/** @type {number[]} */ all) => {
    const finite = all.filter(Number.isFinite), low = Math.min(...finite), high = Math.max(...finite);
    return low < high ? [low, high] : finite.length ? [low - (Math.abs(low) / 10 || 1), high + (Math.abs(low) / 10 || 1)] : [0, 1];
  };
  const [x0, x1] = span(fitting.flatMap((one) => one.xs)), [y0, y1] = span(fitting.flatMap((one) => one.ys));
  const drawn = series.map(({ class: look, xs, ys }) => {
    const points = xs.map((x, i) => [left + ((right - left) * (x - x0)) / (x1 - x0), bottom - ((bottom - top) * (ys[i] - y0)) / (y1 - y0)])
      .filter((point) => point.every((c) => Math.abs(c) < 1e5)).map((point) => point.map((c) => c.toFixed(1)));
    if (points.length === 1) return make("svg:circle", { class: look, cx: points[0][0], cy: points[0][1], r: 6 });
    return make("svg:polyline", { class: look, points: points.join(" ") });
  });
  const [inside, ...texts] = svg.querySelectorAll("svg, text"), round = (/** @type {number} */ x) => rounded(Number(x.toPrecision(3)), 3);
  inside.replaceChildren(...drawn);
  [round(y1), round(y0), up, round(x0), round(x1), across].forEach((said, i) => (texts[i].textContent = said));
}

/** Some steps of gradient descent on the chosen leaves. @param {number} count */
function descend(count) {
  const { graph, losses, rate } = state, moved = [...leaves.keys()].filter((leaf) => leaves.get(leaf)?.moves.checked);
  if (!losses.length) losses.push(graph.value[graph.output]);
  for (let i = 0; i < count && !diverged(); i++) {
    for (const leaf of moved) graph.value[leaf] -= rate * graph.grad[leaf];
    graph.run();
    losses.push(graph.value[graph.output]);
  }
  if (diverged() || !moved.length) runSteps(false);
  update("numbers");
}

/** @returns {boolean} whether the last output is not finite, or much larger than the first one */
function diverged() {
  const [first = 0] = state.losses, last = state.losses.at(-1) ?? 0;
  return !(Math.abs(last) <= BOUND * Math.max(1, Math.abs(first)));
}

/** Steps run by the clock, or stop. @param {boolean} on */
function runSteps(on) {
  clearInterval(descending);
  descending = on ? setInterval(() => descend(1), 100) : 0;
  byId("run").textContent = on ? "Stop" : "Run";
}

/** The curve of the output, step by step, and a line that says how it goes. */
function repaintLosses() {
  const { losses, data, graph } = state, steps = losses.length - 1, out = data.name[graph.output], bad = diverged();
  const went = `${steps} step${steps > 1 ? "s" : ""}, ${out} went from ${shown(losses[0])} to ${shown(losses[steps])}.`;
  byId("descent").textContent = steps < 1 ? "" : bad ? `Diverged: after ${went} Reset, and take a smaller rate.` : `After ${went}`;
  byId("descent").classList.toggle("wrong", bad);
  if (steps > 0) curve(byId("loss"), [{ class: "line", xs: losses.map((_, i) => i), ys: losses }], "step", out);
}

/** Makes the rows of the leaves and connects the controls. */
function startTouch() {
  const { data, graph } = state, all = [...data.kind].flatMap((kind, node) => (kind === "l" ? [node] : []));
  byId("leaves").replaceChildren(...all.map((leaf) => leafRow(leaf, data.moving.includes(leaf))));
  const reset = () => {
    runSteps(false);
    graph.value.set(state.first);
    for (const row of leaves.values()) {
      row.x = null;
      Object.assign(row.slider, row.ends);
    }
    state.losses = [];
    update("numbers");
  };
  onClick({ descend: () => descend(1), descend10: () => descend(10), run: () => runSteps(!descending), reset });
  readNumber(byId("rate"), byId("rate-wrong"), (x) => (state.rate = x), "a rate is a finite number");
  readNumber(byId("push"), byId("push-wrong"), (x) => (push = x, repaintTangent()), "a push is a finite number");
}
