// Touching the numbers: every leaf by field, slider and dragging; the tangent; gradient descent.

/** @type {Map<number, {field: any, slider: any, moves: any, wrong: any, grad: any, reach: number, step: number}>} */
const leaves = new Map();
const SAMPLES = 60; // points of the curve beside a tangent
const BOUND = 1e6; // times the first loss: a larger one has diverged
let descending = 0; // of the timer, while steps run

/** Gives a leaf another number. @param {number} leaf @param {number} x */
function setLeaf(leaf, x) {
  state.graph.set(leaf, x);
  state.losses = [];
  update("numbers");
}

/** Moves a leaf by some of its steps, to a number without needless digits. @param {number} leaf @param {number} steps */
function nudge(leaf, steps, from = state.graph.number(leaf)) {
  const { step } = /** @type {any} */ (leaves.get(leaf));
  setLeaf(leaf, tidy(Math.round(from / step + steps) * step));
}

/** @param {number} x @returns {number} without the last digits, which are rounding errors */
function tidy(x) {
  return Number(x.toPrecision(12));
}

/** The range of a slider: around the recorded number, in steps of 1, 0.1, 0.01 ... @param {number} x */
function rangeOf(x) {
  const reach = Number.isFinite(x) ? 2 * Math.max(1, Math.abs(x)) : 2;
  const step = 10 ** (Math.floor(Math.log10(reach)) - 2);
  return { reach, step: tidy(step), middle: Number.isFinite(x) ? tidy(Math.round(x / step) * step) : 0 };
}

/** Makes the row of a leaf. @param {number} leaf @param {boolean} moves whether descent may move it */
function leafRow(leaf, moves) {
  const { data, graph } = state, name = data.name[leaf];
  const { reach, step, middle } = rangeOf(graph.value[leaf]);
  const field = make("input", { id: `leaf-${leaf}`, type: "text", inputmode: "decimal", autocomplete: "off",
    "aria-describedby": `wrong-${leaf}` });
  const slider = make("input", { id: `slide-${leaf}`, type: "range", min: tidy(middle - reach),
    max: tidy(middle + reach), step, "aria-label": `${name}, slider` });
  const box = make("input", { id: `moves-${leaf}`, type: "checkbox", "aria-label": `descent moves ${name}` });
  const wrong = make("span", { id: `wrong-${leaf}`, class: "wrong", role: "alert" });
  const grad = make("output", { for: `leaf-${leaf}` });
  const look = make("button", { type: "button", class: "name", text: name, "aria-label": `look at ${name}` });
  box.checked = moves;
  field.onchange = () => typed(leaf);
  slider.oninput = () => setLeaf(leaf, Number(slider.value));
  look.onclick = field.onfocus = slider.onfocus = () => choose(`node ${leaf}`);
  leaves.set(leaf, { field, slider, moves: box, wrong, grad, reach, step });
  const label = make("label", { for: `leaf-${leaf}`, class: "hidden", text: `${name} =` });
  const role = make("small", { text: data.role[leaf] || "" });
  return make("li", {}, make("span", { class: "who" }, box, look, role), label, field, slider, grad, wrong);
}

/** Takes what was typed for a leaf; a text that is no number changes nothing. @param {number} leaf */
function typed(leaf) {
  const { field, wrong } = /** @type {any} */ (leaves.get(leaf));
  const { value, reason } = parse(field.value);
  wrong.textContent = reason;
  field.setAttribute("aria-invalid", String(reason !== ""));
  if (!reason) setLeaf(leaf, value);
}

/** Shows the numbers of the leaves, what descent did, and the tangent. @param {boolean} changed */
function repaintTouch(changed) {
  const { graph, data } = state;
  if (changed) {
    for (const [leaf, { field, slider, grad, wrong, step }] of leaves) {
      const x = graph.value[leaf], text = numeralOf(x);
      if (field.value !== text) {
        field.value = text;
        wrong.textContent = "";
        field.removeAttribute("aria-invalid");
        if (x > Number(slider.max)) slider.max = tidy(Math.ceil(x / step) * step);
        if (x < Number(slider.min)) slider.min = tidy(Math.floor(x / step) * step);
        slider.value = String(x);
        slider.setAttribute("aria-valuetext", text);
      }
      const slope = `grad ${rounded(graph.grad[leaf], data.precision)}`;
      if (grad.textContent !== slope) grad.textContent = slope;
    }
    repaintLosses();
    const bad = graph.firstNonfinite();
    byId("trouble").textContent = bad < 0 ? ""
      : `${data.name[bad]} is ${rounded(graph.value[bad], data.precision)}: the first number that is not finite.`;
  }
  repaintTangent();
}

/** The shortest text that is read back as the same number. @param {number} x @returns {string} */
function numeralOf(x) {
  return Number.isFinite(x) ? String(x) : x !== x ? "nan" : x > 0 ? "inf" : "-inf";
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
  if (!row) return;
  const write = (/** @type {number} */ n) => rounded(n, data.precision);
  const h = parse(byId("push").value).value, x = graph.value[leaf], y = graph.value[graph.output];
  const grad = graph.grad[leaf], out = data.name[graph.output], name = data.name[leaf];
  const real = outputAt(leaf, x + h) - y;
  byId("tangent-of").textContent = `A small push on ${name}`;
  byId("predicted").textContent = `${write(grad)} × ${write(h)} = ${write(grad * h)}`;
  byId("real").textContent = write(real);
  byId("miss").textContent = `${write(real - grad * h)}`;
  const reach = Math.max(2 * Math.abs(h) || 0, row.reach / 4);
  const xs = Array.from({ length: SAMPLES + 1 }, (_, i) => x + reach * (2 * i / SAMPLES - 1));
  const line = xs.map((at) => outputAt(leaf, at));
  curve(byId("tangent-plot"), [
    { class: "line", xs, ys: line },
    { class: "touching", xs, ys: xs.map((at) => y + grad * (at - x)), fits: false },
    { class: "spot", xs: [x], ys: [y] },
    { class: "pushed", xs: [x + h], ys: [y + real] },
  ], name, out);
}

/**
 * Draws curves with axes and their numbers.
 * @param {any} svg
 * @param {{class: string, xs: number[], ys: number[], fits?: boolean}[]} series those that do not
 *   `fits` are cut off at the others' range
 * @param {string} across @param {string} up the words at the axes
 */
function curve(svg, series, across, up) {
  const finite = (/** @type {number[]} */ numbers) => numbers.filter(Number.isFinite);
  const span = (/** @type {number[]} */ numbers) => {
    const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
    const pad = low < high ? 0 : Math.abs(low) / 10 || 1;
    return numbers.length ? [low - pad, high + pad] : [0, 1];
  };
  const fitting = series.filter((one) => one.fits !== false);
  const [x0, x1] = span(finite(fitting.flatMap((one) => one.xs)));
  const [y0, y1] = span(finite(fitting.flatMap((one) => one.ys)));
  const [left, right, top, bottom] = [84, 388, 26, 220];
  const px = (/** @type {number} */ x) => left + ((right - left) * (x - x0)) / (x1 - x0);
  const py = (/** @type {number} */ y) => bottom - ((bottom - top) * (y - y0)) / (y1 - y0);
  const text = (/** @type {number} */ x, /** @type {number} */ y, /** @type {string} */ anchor, /** @type {string} */ said) =>
    make("svg:text", { x, y, "text-anchor": anchor, text: said });
  const write = (/** @type {number} */ n) => rounded(Number(n.toPrecision(3)), 3);
  const drawn = series.map(({ class: look, xs, ys }) => {
    const points = xs.map((x, i) => [px(x), py(ys[i])]).filter((p) => p.every((c) => Math.abs(c) < 1e5));
    if (points.length === 1) return make("svg:circle", { class: look, cx: points[0][0], cy: points[0][1], r: 6 });
    return make("svg:polyline", { class: look, points: points.map((p) => p.map((c) => c.toFixed(1)).join(",")).join(" ") });
  });
  const clip = `${svg.id}-clip`;
  const window = make("svg:clipPath", { id: clip },
    make("svg:rect", { x: left, y: top - 8, width: right - left + 8, height: bottom - top + 16 }));
  svg.replaceChildren(window,
    make("svg:path", { class: "axis", d: `M${left} ${top}V${bottom}H${right}` }),
    make("svg:g", { "clip-path": `url(#${clip})` }, ...drawn),
    text(left - 8, top + 6, "end", write(y1)), text(left - 8, bottom, "end", write(y0)),
    text(left, bottom + 22, "start", write(x0)), text(right, bottom + 22, "end", write(x1)),
    text((left + right) / 2, bottom + 22, "middle", across), text(left + 8, top + 4, "start", up));
}

/** Some steps of gradient descent on the chosen leaves. @param {number} count */
function descend(count) {
  const { graph, losses, rate } = state;
  const moved = [...leaves].filter(([, row]) => row.moves.checked).map(([leaf]) => leaf);
  if (!losses.length) losses.push(graph.value[graph.output]);
  for (let i = 0; i < count && !diverged(); i++) {
    const next = moved.map((leaf) => graph.value[leaf] - rate * graph.grad[leaf]);
    moved.forEach((leaf, k) => graph.set(leaf, next[k]));
    graph.run();
    losses.push(graph.value[graph.output]);
  }
  if (diverged() || !moved.length) runSteps(false);
  update("numbers");
}

/** @returns {boolean} whether the last loss is not finite, or much larger than the first one */
function diverged() {
  const { losses } = state, last = losses[losses.length - 1];
  return losses.length > 0 && !(Math.abs(last) <= BOUND * Math.max(1, Math.abs(losses[0])));
}

/** Steps run by the clock, or stop. @param {boolean} on */
function runSteps(on) {
  clearInterval(descending);
  descending = on ? setInterval(() => descend(1), 100) : 0;
  byId("run").textContent = on ? "Stop" : "Run";
}

/** The curve of the output, step by step, and a line that says how it goes. */
function repaintLosses() {
  const { losses, data, graph } = state, last = losses[losses.length - 1], steps = losses.length - 1;
  const write = (/** @type {number} */ x) => rounded(x, data.precision);
  const out = data.name[graph.output];
  byId("loss-box").hidden = steps < 1;
  byId("descent").textContent = steps < 1 ? ""
    : `${diverged() ? "Diverged: after" : "After"} ${steps} step${steps > 1 ? "s" : ""}, ${out} went from `
      + `${write(losses[0])} to ${write(last)}.`
      + (diverged() ? " Take a smaller rate, and reset." : "");
  byId("descent").classList.toggle("wrong", diverged());
  if (steps > 0) curve(byId("loss"), [{ class: "line", xs: losses.map((_, i) => i), ys: losses }], "step", out);
}

/** All leaves get their recorded numbers back. */
function resetAll() {
  runSteps(false);
  for (const leaf of leaves.keys()) state.graph.set(leaf, recorded(leaf));
  state.losses = [];
  update("numbers");
}

/** The number that is in the file. @param {number} node @returns {number} */
function recorded(node) {
  const x = state.data.data[node];
  return typeof x === "string" ? { nan: NaN, inf: Infinity, "-inf": -Infinity }[x] ?? NaN : x;
}

/** Makes the rows of the leaves and connects the controls. */
function startTouch() {
  const { data, graph } = state;
  const all = [...data.kind].flatMap((kind, node) => (kind === "l" ? [node] : []));
  const parameters = all.filter((leaf) => data.role[leaf] === "parameter");
  const moving = new Set(parameters.length ? parameters : all.filter((leaf) => data.role[leaf] !== "input"));
  byId("leaves").replaceChildren(...all.map((leaf) => leafRow(leaf, moving.has(leaf))));
  byId("descent-of").textContent = `Gradient descent on ${data.name[graph.output]}`;
  byId("descend").onclick = () => descend(1);
  byId("descend10").onclick = () => descend(10);
  byId("run").onclick = () => runSteps(!descending);
  byId("reset").onclick = resetAll;
  byId("rate").onchange = () => {
    const { value, reason } = parse(byId("rate").value);
    byId("rate-wrong").textContent = reason || (Number.isFinite(value) ? "" : "a rate is a finite number");
    if (Number.isFinite(value)) state.rate = value;
  };
  byId("push").onchange = () => {
    const { value, reason } = parse(byId("push").value);
    byId("push-wrong").textContent = reason || (Number.isFinite(value) && value ? "" : "a push is a finite number, not 0");
    if (Number.isFinite(value) && value) repaintTangent();
  };
}
