// Training: gradient descent on all examples, its loss, and what a network answers over its inputs.

/**
 * @typedef {{inputs: number[], targets: number[], parameters: number[], outputs: number[],
 *   examples: number[][], weights: number[], rate: number, kind: "yes" | "largest" | "number",
 *   threshold: number, classes: number[], names: string[], spans: number[][], over: string, marks: string}} Lesson
 */
const SIZE = 32; // examples that are computed at once, each in its lane
const FINE = 40; // points along a side of the map, as train.html has it
const CELL = 8; // of the map's drawing, from point to point
const LONG = 200; // points of a curve at most

/** Gradient descent on the mean loss of the examples of a batch. The weights are the graph's leaves. */
class Trainer {
  size = 0; // of a batch; 0 is all examples
  steps = 0;
  epoch = 0;
  phase = 0; // 0 to 3, the one that comes next
  /** @type {number[]} */ losses = []; // of each step, before its update
  /** @type {number[]} */ rest = []; // of the epoch
  /** @type {number[]} */ now = []; // the examples of this step

  /** @param {Graph} graph @param {Lesson} lesson */
  constructor(graph, lesson) {
    const { n, a, b, value } = graph, { parameters, inputs, targets, rate } = lesson;
    this.graph = graph;
    this.lesson = lesson;
    this.wanted = new Uint8Array(n); // a parameter, or computed from one
    for (const p of parameters) this.wanted[p] = 1;
    for (let k = 0; k < n; k++) if (this.wanted[a[k]] || this.wanted[b[k]]) this.wanted[k] = 1;
    this.v = new Float64Array(n * SIZE).map((_, i) => value[Math.floor(i / SIZE)]);
    this.g = new Float64Array(n * SIZE).fill(-0); // as each pass leaves them
    this.given = [...inputs, ...targets];
    this.own = [...graph.op.keys()].filter((k) => graph.op[k] < 0 && !this.given.includes(k)); // leaves, the same for all examples
    this.means = new Float64Array(parameters.length); // of the gradients
    this.rate = rate;
  }

  /** The first weights again. @param {Float64Array} first the numbers of all nodes */
  reset(first) {
    for (const p of this.lesson.parameters) this.graph.value[p] = first[p];
    Object.assign(this, { steps: 0, epoch: 0, phase: 0, losses: [], rest: [] });
  }

  /** Chooses the examples of the next step; with batches, in the order of Python's `train`. */
  take() {
    const every = [...this.lesson.examples.keys()];
    if (!this.rest.length) this.rest = this.size ? shuffled(every, BigInt(this.epoch++)) : every;
    this.now = this.rest.splice(0, this.size || every.length);
  }

  /**
   * Computes nodes for rows of inputs and perhaps targets, and tells of the lane of each row.
   * @param {number[][]} rows @param {number} to the first node that is not needed
   * @param {(row: number, lane: number) => void} tell @param {(count: number) => void} [then] after some rows
   */
  ahead(rows, to, tell, then = () => {}) {
    const { v, given, own, graph } = this;
    for (const p of own) v.fill(graph.value[p], p * SIZE, (p + 1) * SIZE);
    for (let start = 0; start < rows.length; start += SIZE) {
      const count = Math.min(SIZE, rows.length - start);
      for (let j = 0; j < count; j++) rows[start + j].forEach((x, i) => given[i] >= 0 && (v[given[i] * SIZE + j] = x));
      forwardLanes(graph.op, graph.a, graph.b, v, SIZE, count, to);
      for (let j = 0; j < count; j++) tell(start + j, j);
      then(count);
    }
  }

  /** Both passes for the examples of this step; the mean loss is the last of `losses`. */
  passes() {
    const { g, v, graph: { op, a, b, output, n }, now, means, lesson: { examples, parameters, weights } } = this;
    let loss = 0, share = 0;
    means.fill(0);
    this.ahead(now.map((i) => examples[i]), n, (row, lane) => {
      const at = output * SIZE + lane;
      share += g[at] = weights[now[row]];
      loss += g[at] * v[at];
    }, (count) => {
      backwardLanes(op, a, b, v, g, this.wanted, SIZE, count, output);
      parameters.forEach((p, i) => { for (let j = p * SIZE; j < p * SIZE + count; j++) means[i] += g[j]; });
      g.fill(-0);
    });
    means.forEach((sum, i) => (means[i] = sum / share));
    this.losses.push(loss / share);
  }

  /** Does the next phase of a step. @returns {boolean} false, without an update, if the loss is not finite */
  advance() {
    const { phase, graph, means, rate, lesson: { parameters } } = this;
    if (phase === 3 && !Number.isFinite(this.losses[this.steps])) return false;
    if (phase === 0) this.take();
    if (phase === 2) this.passes();
    if (phase === 3) parameters.forEach((p, i) => (graph.value[p] -= rate * means[i]));
    this.steps += Number(phase === 3);
    this.phase = (phase + 1) % 4;
    return true;
  }

  /** The rest of a step, or a whole one. @returns {boolean} false, without an update, if the loss is not finite */
  step() {
    do if (!this.advance()) return false; while (this.phase);
    return true;
  }

  /** The mean loss of some examples with the present weights, and those whose answers are wrong; in words, how many are right, if some can be. */
  judge(some = [...this.lesson.examples.keys()]) {
    const { outputs, kind, threshold, classes, examples, weights } = this.lesson, { v, graph } = this;
    /** @type {number[]} */ const wrong = [];
    let loss = 0, share = 0, yes = 0;
    this.ahead(some.map((i) => examples[i]), graph.n, (row, lane) => {
      const i = some[row], ys = outputs.map((y) => v[y * SIZE + lane]);
      [loss, share, yes] = [loss + weights[i] * v[graph.output * SIZE + lane], share + weights[i], yes + Number(ys[0] > threshold)];
      if ((kind === "largest" ? ys.indexOf(Math.max(...ys)) : Number(ys[0] > threshold)) !== classes[i]) wrong.push(i);
    });
    const right = kind === "number" ? "" : `; ${some.length - wrong.length} of ${some.length} are right${kind === "yes" ? `, ${yes} answers are yes` : ""}`;
    return { loss: loss / share, wrong, right };
  }

  /** The numbers of nodes for rows of inputs. @param {number[][]} rows @param {number[]} nodes */
  at(rows, nodes) {
    /** @type {number[][]} */ const found = [];
    this.ahead(rows, Math.max(...nodes) + 1, (_, lane) => found.push(nodes.map((node) => this.v[node * SIZE + lane])));
    return found;
  }
}

/** The order that Python's `shuffled` gives (SplitMix64). @param {number[]} order @param {bigint} seed */
function shuffled(order, seed) {
  const cut = (/** @type {bigint} */ x) => BigInt.asUintN(64, x);
  for (let i = order.length - 1; i > 0; i--) {
    seed = cut(seed + 0x9e3779b97f4a7c15n);
    let z = cut((seed ^ (seed >> 30n)) * 0xbf58476d1ce4e5b9n);
    z = cut((z ^ (z >> 27n)) * 0x94d049bb133111ebn);
    const j = Number((z ^ (z >> 31n)) % BigInt(i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

/** @type {Trainer} */ let trainer;
/** @type {Map<number, string>} */ const units = new Map(); // the last node of each neuron, and its name
let frame = 0, began = [0, 0]; // the next frame, while steps run; since when, from which step
let painted = 0, due = 0; // when the page was painted, until the next frame; when it is painted again

/** Connects the controls. */
function startTrain() {
  trainer = new Trainer(state.graph, state.data.train);
  const unit = byId("train-unit"), batch = byId("train-batch"), example = byId("train-example");
  for (const { value, text } of unit.options) if (value >= 0) units.set(Number(value), text);
  onClick({ "train-run": () => runTraining(!frame), "train-step": () => doPhases(4), "train-phase": () => doPhases(1),
    "train-reset": () => (trainer.reset(state.first), runTraining(false)) });
  unit.onchange = showAnswer;
  example.onchange = () => showExample(Number(example.value) - 1);
  batch.onchange = () => ([trainer.size, trainer.rest] = [Number(batch.value), []]);
  readNumber(byId("train-rate"), byId("train-refused"), (x) => (trainer.rate = x), "a rate is a finite number");
  byId("train-plane").onclick = (/** @type {MouseEvent} */ { clientX, clientY }) => {
    const far = [...byId("train-marks").children].map((mark) => {
      const { left, right, top, bottom } = mark.getBoundingClientRect();
      return Math.hypot((left + right) / 2 - clientX, (top + bottom) / 2 - clientY);
    });
    showExample(far.indexOf(Math.min(...far)));
  };
  document.addEventListener("repainted", (/** @type {any} */ { detail }) => {
    if (detail === "look" && units.has(selectedNode())) unit.value = selectedNode();
    if (detail !== "event") showAnswer();
  });
  document.addEventListener("pointed", showAnswer);
  showTraining();
}

/** Steps run between frames, or stop. @param {boolean} on */
function runTraining(on) {
  cancelAnimationFrame(frame);
  frame = on ? requestAnimationFrame(trainSlice) : 0;
  if (on) [began, painted, due] = [[performance.now(), trainer.steps], 0, 0];
  byId("train-run").textContent = on ? "Pause" : "Train";
  if (!on) showTraining();
}

/** Some steps, for 12 milliseconds, or one at slow speed; the page is painted now and then, in a quarter of the time. */
function trainSlice() {
  const start = performance.now();
  if (painted) due = start + Math.max(120, 3 * (start - painted)); // since then, the browser has drawn, too
  painted = 0;
  do if (!trainer.step()) return runTraining(false); while (Number(byId("speed").value) >= 1 && performance.now() < start + 12);
  frame = requestAnimationFrame(trainSlice);
  if (start < due) return;
  painted = performance.now();
  showTraining();
}

/** The next phases, to the end of the step at most, and in words what the last one did. @param {number} count */
function doPhases(count) {
  const { graph, means, rate, lesson: { parameters } } = trainer, before = graph.value.slice();
  runTraining(false);
  let { phase } = trainer;
  while (trainer.advance() && --count && trainer.phase) phase++;
  const { now } = trainer, { loss, right } = trainer.judge(now);
  const most = means.reduce((best, x, i) => (Math.abs(x) > Math.abs(means[best]) ? i : best), 0), p = parameters[most];
  const name = state.data.name[p], moved = `from ${shown(before[p])} to ${shown(graph.value[p])}`;
  showTraining([`Forward: the outputs of ${now.length} examples${right}.`,
    `Loss: the mean of ${now.length} losses is ${shown(loss)}.`,
    `Backward: the mean gradients of ${means.length} parameters; the largest is ${shown(means[most])}, of ${name}.`,
    `Update: each parameter moves by -${rate} × its gradient; ${name} ${moved}.`][phase]);
}

/** Puts an example on the inputs of the picture, before the forward pass. @param {number} i */
function showExample(i) {
  const example = trainer.lesson.examples[i];
  if (!example) return;
  byId("train-example").value = i + 1;
  trainer.given.forEach((leaf, j) => leaf >= 0 && (state.graph.value[leaf] = example[j]));
  state.position = 0;
  update("numbers");
}

/** Paints what training has changed. */
function showTraining(said = "") {
  const { losses, steps, epoch, size, phase } = trainer, last = losses[losses.length - 1];
  const { loss, right } = trainer.judge(), count = losses.length, some = Math.min(LONG, count), ended = phase === 3 && !Number.isFinite(last);
  const xs = between(0, count - 1, some).map(Math.round), ys = xs.map((i) => losses[i]);
  const pace = frame ? `; ${Math.round((1000 * (steps - began[1])) / (performance.now() - began[0]))} steps a second` : "";
  const all = `step ${steps}${size ? `, epoch ${epoch}` : ""}: the mean loss of all examples is ${shown(loss)}`;
  const ends = `The loss is ${shown(last)} at step ${steps}: training stopped before the update. Restart with a smaller rate.`;
  say({ "train-status": all + right + pace, "train-wrong": ended ? ends : "",
    "train-said": ended ? "" : said, "train-phase": `Phase: ${["forward", "loss", "backward", "update"][phase]}` });
  curve(byId("train-loss"), [{ class: "line", xs, ys }], "step", "loss");
  byId("train-loss").ariaLabel = count ? `mean loss from ${shown(losses[0])} to ${shown(last)} in ${count} steps` : "no step yet";
  update("numbers");
}

/** The answer, or what the unit pointed at or chosen says, over one or two inputs, with the examples. */
function showAnswer() {
  const { inputs, examples, outputs, kind, names, spans } = trainer.lesson, at = Number(pointed.replace("node ", "") || -1);
  const unit = units.has(at) ? at : Number(byId("train-unit").value);
  if (inputs.length === 2) showMap(unit);
  if (inputs.length !== 1) return;
  const xs = between(spans[0][0], spans[0][1], LONG), nodes = unit < 0 ? outputs : [unit];
  const found = trainer.at(xs.map((x) => [x]), nodes), shown = unit < 0 && kind !== "largest" ? examples : [];
  curve(byId("train-curve"), [...nodes.map((_, c) => ({ class: "line", xs, ys: found.map((ys) => ys[c]) })),
    ...shown.flatMap(([x, ...ys]) => ys.map((y) => ({ class: "spot", xs: [x], ys: [y] })))], names[0], "output");
  byId("train-curve").ariaLabel = `the curve over ${names[0]}, with ${shown.length} examples`;
}

/** The map of two inputs, with its words. @param {number} unit or -1 */
function showMap(unit) {
  const { outputs, kind, threshold, examples, spans: [[left, right], [bottom, top]], over, marks } = trainer.lesson;
  const nodes = unit >= 0 ? [unit] : kind === "largest" ? outputs : outputs.slice(0, 1);
  const xs = between(left, right, FINE), ys = between(top, bottom, FINE);
  const found = trainer.at(ys.flatMap((y) => xs.map((x) => [x, y])), nodes);
  const first = found.map(([z]) => z).filter(Number.isFinite), [low, high] = [Math.min(...first), Math.max(...first)];
  const level = unit < 0 ? threshold : low < 0 && high > 0 ? 0 : (low + high) / 2;
  const rivals = nodes.length > 1 ? found : found.map(([z]) => [level, z]); // the largest wins; of two, one field says it
  const fields = (nodes.length > 2 ? [...nodes.keys()] : [1]).map((c) =>
    rivals.map((zs) => zs[c] - Math.max(...zs.filter((_, k) => k !== c))));
  const judged = unit < 0 && kind !== "number", wrong = judged ? trainer.judge().wrong : [], many = fields.length > 1;
  const numbers = wrong.slice(0, 8).map((i) => i + 1).join(", ") || "none";
  const above = Math.round((100 * fields[0].filter((z) => z > 0).length) / found.length);
  const words = `${units.get(unit) ?? "the answer"} ${over}; `
    + (many ? "lines between the classes" : `line at ${rounded(nodes.length > 1 ? 0 : level, 2)}`);
  paintMap(fields, wrong);
  say({ "train-words": words });
  byId("train-map").ariaLabel = `Map: ${words}. ${many ? "" : `${above} % of it is above the line. `}`
    + (judged ? `${wrong.length} of ${examples.length} examples are wrong, in frames: ${numbers}. ` : "") + marks;
}

/**
 * Paints fields over the plane, the lines where they are 0, and frames around examples.
 * @param {number[][]} fields one, whose sign counts, or one for each class, of which one is above 0
 * @param {number[]} wrong examples
 */
function paintMap(fields, wrong) {
  const paint = byId("train-map").getContext("2d"), style = getComputedStyle(document.documentElement), many = fields.length > 1;
  const [paper, negative, positive] = ["paper", "negative", "positive"].map((name) => style.getPropertyValue(`--${name}`));
  const most = fields[0].reduce((top, z) => (Math.abs(z) > top ? Math.abs(z) : top), 1e-300);
  const classAt = (/** @type {number} */ i) => fields.findIndex((field) => field[i] > 0), signs = [];
  let line = "";
  paint.clearRect(0, 0, FINE, FINE);
  for (let i = 0; i < FINE * FINE; i++) {
    const k = i % FINE, row = (i - k) / FINE, share = many ? (2 * classAt(i)) / (fields.length - 1) - 1 : fields[0][i] / most;
    paint.globalAlpha = many ? 0.4 * Math.abs(share) : 0.08 + 0.37 * Math.min(1, Math.abs(share));
    paint.fillStyle = share > 0 ? positive : share < 0 ? negative : paper;
    paint.fillRect(k, row, 1, 1);
    for (const field of k < FINE - 1 && row < FINE - 1 ? fields : []) { // each square: where its sides meet a line
      const sides = [[i, i + 1], [i + 1, i + FINE + 1], [i + FINE, i + FINE + 1], [i, i + FINE]];
      sides.filter(([p, q]) => field[p] > 0 !== field[q] > 0).forEach(([p, q], end) => {
        const t = field[p] / (field[p] - field[q]), [x, y] = q === p + 1 ? [t, 0] : [0, t];
        line += `${"ML"[end % 2]}${((p % FINE) + x) * CELL} ${(Math.floor(p / FINE) + y) * CELL}`;
      });
    }
    if (k % 5 !== 2 || row % 5 !== 2) continue; // every fifth point has a sign
    signs.push(make("svg:text", { x: k * CELL, y: row * CELL, text: many ? classAt(i) : fields[0][i] > 0 ? "+" : "−" }));
  }
  const marks = byId("train-marks"), chosen = Number(byId("train-example").value) - 1;
  byId("train-line").setAttribute("d", line);
  byId("train-signs").replaceChildren(...signs);
  mark(marks, "missed", wrong.map((i) => marks.children[i]));
  mark(marks, "chosen", [marks.children[chosen]]);
}
