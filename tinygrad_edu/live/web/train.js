// Training: gradient descent on all examples, its loss, and what a network answers over its inputs.

/**
 * @typedef {{inputs: number[], targets: number[], parameters: number[], outputs: number[],
 *   examples: number[][], weights?: number[], rate: number, kind: "yes" | "largest" | "number",
 *   threshold: number, middle: number}} Lesson
 */
const SLICE = 12; // milliseconds of steps between two frames
const SIZE = 32; // examples that are computed at once
const FINE = 40; // points along a side of the map
const LONG = 200; // points of a curve at most

/** Gradient descent on the mean loss of the examples of a batch. */
class Trainer {
  /** @param {Graph} graph @param {any} data of the page */
  constructor(graph, data) {
    const { n, value } = graph;
    this.lesson = /** @type {Lesson} */ (data.train);
    const { parameters, inputs, targets, rate } = this.lesson;
    this.op = graph.op;
    this.out = graph.output;
    [this.a, this.b] = [data.a, data.b].map((ids) => Int32Array.from(ids, (x) => Math.max(x, 0)));
    this.wanted = new Uint8Array(n); // a parameter, or computed from one
    for (const p of parameters) this.wanted[p] = 1;
    for (let k = 0; k < n; k++) if (this.wanted[data.a[k]] || this.wanted[data.b[k]]) this.wanted[k] = 1;
    this.v = new Float64Array(n * SIZE);
    for (let k = 0; k < n; k++) this.v.fill(value[k], k * SIZE, (k + 1) * SIZE);
    this.g = new Float64Array(n * SIZE);
    this.given = [...inputs, ...targets];
    this.w = Float64Array.from(parameters, (p) => value[p]);
    this.first = this.w.slice();
    this.sums = new Float64Array(parameters.length);
    this.rate = rate;
    this.share = this.size = this.steps = this.epoch = this.phase = 0;
    /** @type {number[]} */ this.losses = []; // of each step, before its update
    /** @type {number[]} */ this.rest = []; // of the epoch
    /** @type {number[]} */ this.now = []; // the examples of this step
  }

  /** The first weights again. */
  reset() {
    this.w.set(this.first);
    this.steps = this.epoch = this.phase = 0;
    this.rest = [];
    this.losses = [];
  }

  /** Chooses the examples of the next step; with batches, in the order of Python's `train`. */
  take() {
    const every = [...this.lesson.examples.keys()];
    if (!this.rest.length) this.rest = this.size ? shuffled(every, BigInt(this.epoch)) : every;
    if (this.rest.length === every.length) this.epoch++;
    this.now = this.rest.splice(0, this.size || every.length);
  }

  /**
   * Computes nodes for rows of inputs, and perhaps targets, some at once, and tells of each lane.
   * @param {number[][]} rows @param {number} to the first node that is not needed
   * @param {(row: number, lane: number) => void} tell @param {(count: number) => void} [done]
   */
  ahead(rows, to, tell, done) {
    const { v, w, given, lesson: { parameters } } = this;
    parameters.forEach((p, i) => v.fill(w[i], p * SIZE, (p + 1) * SIZE));
    for (let start = 0; start < rows.length; start += SIZE) {
      const count = Math.min(SIZE, rows.length - start);
      for (let j = 0; j < count; j++) rows[start + j].forEach((x, i) => given[i] >= 0 && (v[given[i] * SIZE + j] = x));
      forwardLanes(this.op, this.a, this.b, v, SIZE, count, to);
      for (let j = 0; j < count; j++) tell(start + j, j);
      if (done) done(count);
    }
  }

  /** Both passes for the examples of this step; the mean loss is the last of `losses`. */
  passes() {
    const { g, v, out, now, sums, lesson: { examples, parameters } } = this, n = this.op.length;
    let loss = 0;
    this.share = 0;
    sums.fill(0);
    g.fill(-0);
    this.ahead(now.map((i) => examples[i]), n, (row, lane) => {
      const weight = this.weight(now[row]), at = out * SIZE + lane;
      loss += weight * v[at];
      this.share += g[at] = weight;
    }, (count) => {
      backwardLanes(this.op, this.a, this.b, v, g, this.wanted, SIZE, count, out);
      parameters.forEach((p, i) => { for (let j = p * SIZE; j < p * SIZE + count; j++) sums[i] += g[j]; });
      g.fill(-0);
    });
    this.losses.push(loss / this.share);
    this.phase = 3;
  }

  /** The update. @returns {boolean} false, and nothing moves, if the loss is not finite */
  move() {
    if (!Number.isFinite(this.losses[this.steps])) return false;
    for (let i = 0; i < this.w.length; i++) this.w[i] -= this.rate * (this.sums[i] / this.share);
    this.steps++;
    this.phase = 0;
    return true;
  }

  /** The rest of a step, or a whole one. @returns {boolean} as `move` */
  step() {
    if (this.phase === 0) this.take();
    if (this.phase < 3) this.passes();
    return this.move();
  }

  /** @param {number} i an example @returns {number} its weight in the mean */
  weight(i) {
    return this.lesson.weights ? this.lesson.weights[i] : 1;
  }

  /** The mean loss of some examples as the weights are now, and which answers are wrong. */
  judge(some = [...this.lesson.examples.keys()]) {
    const { outputs, threshold, middle, inputs, examples } = this.lesson;
    let loss = 0, share = 0;
    /** @type {number[]} */ const wrong = [];
    this.ahead(some.map((i) => examples[i]), this.op.length, (row, lane) => {
      const i = some[row], ys = outputs.map((y) => this.v[y * SIZE + lane]);
      loss += this.weight(i) * this.v[this.out * SIZE + lane];
      share += this.weight(i);
      if (this.classOf(ys, threshold) !== this.classOf(examples[i].slice(inputs.length), middle)) wrong.push(i);
    });
    return { loss: loss / share, wrong };
  }

  /** The class that outputs or targets name. @param {number[]} ys @param {number} level */
  classOf(ys, level) {
    if (this.lesson.kind !== "largest") return Number(ys[0] > level);
    return ys.length > 1 ? ys.indexOf(Math.max(...ys)) : ys[0];
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
let training = false, began = [0, 0], due = 0; // whether steps run; since when, from which step; the next painting

/** Connects the controls, if the page has examples. */
function startTrain() {
  const { data, graph } = state;
  trainer = new Trainer(graph, data);
  const { examples, inputs, outputs } = trainer.lesson, sizes = [1, 2, 5, 10, 20, 50, 100].filter((n) => n < examples.length);
  const units = new Map(); // the last node of each neuron
  for (let k = 0; k <= Math.max(...outputs); k++) if (data.group[k] && graph.op[k] >= 0) units.set(data.group[k], k);
  byId("train-batch").append(make("option", { value: 0, text: `all ${examples.length}` }),
    ...sizes.map((n) => make("option", { value: n, text: n })));
  byId("train-unit").append(make("option", { value: -1, text: "the answer" }),
    ...[...units].map(([group, k]) => make("option", { value: k, text: group.replaceAll("/", ".") })));
  byId("train-rate").value = trainer.rate;
  byId("train-example").max = examples.length;
  byId("train-view").hidden = inputs.length > 2;
  byId("train-map").hidden = inputs.length !== 2;
  byId("train-curve").toggleAttribute("hidden", inputs.length !== 1);
  byId("train-run").onclick = () => runTraining(!training);
  byId("train-step").onclick = () => (runTraining(false), doPhases(4));
  byId("train-phase").onclick = () => (runTraining(false), doPhases(1));
  byId("train-reset").onclick = () => (runTraining(false), trainer.reset(), showTraining());
  byId("train-unit").onchange = showAnswer;
  byId("train-example").onchange = () => showExample(Number(byId("train-example").value) - 1);
  byId("train-batch").onchange = () => {
    trainer.size = Number(byId("train-batch").value);
    trainer.rest = [];
  };
  byId("train-rate").onchange = () => {
    const { value, reason } = parse(byId("train-rate").value);
    byId("train-wrong").textContent = reason || (Number.isFinite(value) ? "" : "a rate is a finite number");
    if (Number.isFinite(value)) trainer.rate = value;
  };
  byId("train-map").onclick = (/** @type {MouseEvent} */ event) => {
    const { px, py } = planeOf(byId("train-map").clientWidth);
    const far = examples.map(([x, y]) => Math.hypot(px(x) - event.offsetX, py(y) - event.offsetY));
    showExample(far.indexOf(Math.min(...far)));
  };
  document.addEventListener("repainted", (/** @type {any} */ { detail }) => {
    const unit = [...byId("train-unit").options].find((one) => detail === "look" && Number(one.value) === selectedNode());
    if (unit) byId("train-unit").value = unit.value;
    if (unit || detail === "level") showAnswer();
  });
  showTraining();
}

/** Steps run between frames, or stop. @param {boolean} on */
function runTraining(on) {
  if (on && !training) requestAnimationFrame(trainSlice);
  if (on) [began, due] = [[performance.now(), trainer.steps], 0];
  training = on;
  byId("train-run").textContent = on ? "Pause" : "Train";
}

/** Some steps; the page is painted now and then, in a quarter of the time. */
function trainSlice() {
  if (!training) return;
  const end = performance.now() + SLICE;
  takeWeights();
  do training = trainer.step(); while (training && performance.now() < end);
  if (!training) runTraining(false);
  giveWeights();
  const start = performance.now();
  if (start > due || !training) {
    showTraining();
    due = performance.now() + Math.max(120, 3 * (performance.now() - start));
  }
  requestAnimationFrame(trainSlice);
}

/** The trainer takes the page's weights, which a reader may have changed. */
function takeWeights() {
  trainer.lesson.parameters.forEach((p, i) => (trainer.w[i] = state.graph.value[p]));
}

/** The page takes the trainer's weights. */
function giveWeights() {
  trainer.lesson.parameters.forEach((p, i) => state.graph.set(p, trainer.w[i]));
}

/** The next phases, to the end of the step at most, and in words what the last one did. @param {number} count */
function doPhases(count) {
  const { sums, w, rate, lesson: { parameters, kind } } = trainer, names = parameters.map((p) => state.data.name[p]);
  const write = (/** @type {number} */ x) => rounded(x, state.data.precision);
  let said = "";
  takeWeights();
  do {
    if (trainer.phase === 0) trainer.take();
    const { now, phase } = trainer, { loss, wrong } = trainer.judge(now);
    if (phase === 2) trainer.passes();
    const most = sums.reduce((best, x, i) => (Math.abs(x) > Math.abs(sums[best]) ? i : best), 0), before = w[most];
    if (phase === 3 && !trainer.move()) break;
    said = [
      `Forward: the outputs of ${now.length} examples${kind === "number" ? "" : `; ${now.length - wrong.length} are right`}.`,
      `Loss: the mean of ${now.length} losses is ${write(loss)}.`,
      `Backward: the mean gradients of ${w.length} parameters; the largest is ${write(sums[most] / trainer.share)}, of ${names[most]}.`,
      `Update: each parameter moves by -${rate} × its gradient; ${names[most]} from ${write(before)} to ${write(w[most])}.`,
    ][phase];
    if (phase < 2) trainer.phase++;
  } while (--count && trainer.phase);
  showTraining(said);
}

/** Puts an example on the inputs of the picture, before the forward pass. @param {number} i */
function showExample(i) {
  const example = trainer.lesson.examples[i];
  if (!example) return;
  byId("train-example").value = i + 1;
  trainer.given.forEach((leaf, j) => leaf >= 0 && state.graph.set(leaf, example[j]));
  state.position = 0;
  update("numbers");
  showAnswer();
}

/** Paints what training has changed. */
function showTraining(said = "") {
  const { losses, steps, epoch, size, phase, lesson: { kind, examples } } = trainer, last = losses[losses.length - 1];
  const write = (/** @type {number} */ x) => rounded(x, state.data.precision);
  giveWeights();
  update("numbers");
  const { loss, wrong } = trainer.judge(), every = Math.ceil(losses.length / LONG);
  const pace = (1000 * (steps - began[1])) / (performance.now() - began[0]);
  byId("train-status").textContent = `step ${steps}${size ? `, epoch ${epoch}` : ""}: the mean loss of all examples is ${write(loss)}`
    + (kind === "number" ? "" : `; ${examples.length - wrong.length} of ${examples.length} are right`)
    + (training ? `; ${Math.round(pace)} steps a second` : "");
  const stopped = phase === 3 && !Number.isFinite(last);
  byId("train-wrong").textContent = stopped ? `The loss is ${write(last)} at step ${steps}: training stopped before `
    + "the update. Go back to the first weights, and take a smaller rate." : "";
  byId("train-said").textContent = stopped ? "" : said;
  byId("train-phase").textContent = `Phase: ${["forward", "loss", "backward", "update"][phase]}`;
  const some = [...losses.keys()].filter((i) => i % every === 0 || i === losses.length - 1);
  curve(byId("train-loss"), [{ class: "line", xs: some, ys: some.map((i) => losses[i]) }], "step", "loss");
  byId("train-loss").setAttribute("aria-label",
    losses.length ? `mean loss from ${write(losses[0])} to ${write(last)} in ${losses.length} steps` : "no step yet");
  showAnswer();
}

/** The answer, or what one unit says, over one or two inputs, with the examples. */
function showAnswer() {
  const { inputs, examples, outputs, kind } = trainer.lesson, unit = Number(byId("train-unit").value);
  const names = inputs.map((leaf, j) => state.data.name[leaf] ?? `input ${j + 1}`);
  if (inputs.length === 2) showMap(unit, names);
  if (inputs.length !== 1) return;
  const [low, high] = spanOf(0), xs = Array.from({ length: LONG }, (_, i) => low + ((high - low) * i) / (LONG - 1));
  const nodes = unit < 0 ? outputs : [unit], found = trainer.at(xs.map((x) => [x]), nodes);
  const points = unit < 0 && kind !== "largest" ? examples.flatMap(([x, ...ys]) => ys.map((y) => ({ class: "spot", xs: [x], ys: [y] }))) : [];
  curve(byId("train-curve"), [...nodes.map((_, c) => ({ class: "line", xs, ys: found.map((ys) => ys[c]) })), ...points], names[0], "output");
  byId("train-curve").setAttribute("aria-label", `the curve over ${names[0]}, with ${points.length} examples`);
}

/** The map of two inputs, with its words. @param {number} unit or -1 @param {string[]} names of the inputs */
function showMap(unit, names) {
  const { outputs, kind, threshold, middle, examples } = trainer.lesson, write = (/** @type {number} */ x) => rounded(x, 2);
  const [[x0, x1], [y0, y1]] = [spanOf(0), spanOf(1)], side = Array.from({ length: FINE }, (_, i) => i / (FINE - 1));
  const nodes = unit >= 0 ? [unit] : kind === "largest" ? outputs : outputs.slice(0, 1);
  const found = trainer.at(side.flatMap((down) => side.map((across) => [x0 + across * (x1 - x0), y1 - down * (y1 - y0)])), nodes);
  const first = found.map(([z]) => z).filter(Number.isFinite), [low, high] = [Math.min(...first), Math.max(...first)];
  const level = nodes.length > 1 ? 0 : unit < 0 ? threshold : low < 0 && high > 0 ? 0 : (low + high) / 2;
  const lead = (/** @type {number[]} */ zs, /** @type {number} */ c) => zs[c] - Math.max(...zs.filter((_, k) => k !== c));
  const fields = nodes.length === 1 ? [found.map(([z]) => z - level)]
    : nodes.length === 2 ? [found.map(([z, one]) => one - z)] : nodes.map((_, c) => found.map((zs) => lead(zs, c)));
  const wrong = unit < 0 && kind !== "number" ? trainer.judge().wrong : [], many = fields.length > 1;
  paintMap(fields, wrong);
  const words = `over ${names[0]} from ${write(x0)} to ${write(x1)}, and ${names[1]}, upwards, from ${write(y0)} to ${write(y1)}; `
    + (many ? "lines between the classes" : `line at ${write(level)}`);
  byId("train-words").textContent = words;
  byId("train-map").setAttribute("aria-label", `Map ${words}. `
    + (many ? "" : `${Math.round((100 * fields[0].filter((z) => z > 0).length) / found.length)} % of it is above the line. `)
    + (unit < 0 && kind !== "number" ? `${wrong.length} of ${examples.length} examples are wrong, in frames: ${wrong.slice(0, 8).map((i) => i + 1).join(", ") || "none"}. ` : "")
    + (many ? "Digits are classes." : `Squares have targets above ${write(middle)}, circles below.`));
}

/** The range of an input over the examples, with a margin. @param {number} j @returns {[number, number]} */
function spanOf(j) {
  const xs = trainer.lesson.examples.map((one) => one[j]), [low, high] = [Math.min(...xs), Math.max(...xs)];
  const margin = 0.25 * (high - low) || 1;
  return [low - margin, high + margin];
}

/** Where inputs are on a map of so many pixels. @param {number} side */
function planeOf(side) {
  const [[x0, x1], [y0, y1]] = [spanOf(0), spanOf(1)];
  const px = (/** @type {number} */ x) => (side * (x - x0)) / (x1 - x0), py = (/** @type {number} */ y) => (side * (y1 - y)) / (y1 - y0);
  return { px, py };
}

/**
 * Paints fields over the plane, the lines where they are 0, and the examples.
 * @param {number[][]} fields one, whose sign counts, or one for each class, of which one is above 0
 * @param {number[]} wrong examples
 */
function paintMap(fields, wrong) {
  const canvas = byId("train-map"), side = canvas.clientWidth || 360, dots = devicePixelRatio || 1, many = fields.length > 1;
  const style = getComputedStyle(document.documentElement), step = side / (FINE - 1), paint = canvas.getContext("2d");
  const [paper, ink, quiet, negative, positive, warning] = ["paper", "ink", "quiet", "negative", "positive", "warning"]
    .map((name) => style.getPropertyValue(`--${name}`).trim());
  const most = fields[0].reduce((top, z) => (Math.abs(z) > top ? Math.abs(z) : top), 1e-300);
  const classAt = (/** @type {number} */ i) => fields.findIndex((field) => field[i] > 0);
  const edge = (/** @type {number} */ k) => Math.round((k - 0.5) * step * dots) / dots; // whole pixels: no seams
  canvas.width = canvas.height = Math.round(side * dots);
  paint.setTransform(dots, 0, 0, dots, 0, 0);
  Object.assign(paint, { font: "13px sans-serif", textAlign: "center", textBaseline: "middle", lineWidth: 2 });
  for (let i = 0; i < FINE * FINE; i++) {
    const k = i % FINE, row = (i - k) / FINE, share = many ? (2 * classAt(i)) / (fields.length - 1) - 1 : fields[0][i] / most;
    paint.globalAlpha = many ? 0.4 * Math.abs(share) : 0.08 + 0.37 * Math.min(1, Math.abs(share));
    paint.fillStyle = share > 0 ? positive : share < 0 ? negative : paper;
    paint.fillRect(edge(k), edge(row), edge(k + 1) - edge(k), edge(row + 1) - edge(row));
  }
  Object.assign(paint, { globalAlpha: 1, fillStyle: quiet, strokeStyle: ink });
  for (let row = 2; row < FINE; row += 5) {
    for (let k = 2, i = row * FINE + 2; k < FINE; k += 5, i += 5) {
      paint.fillText(many ? classAt(i) : fields[0][i] > 0 ? "+" : fields[0][i] < 0 ? "−" : "", k * step, row * step);
    }
  }
  paint.beginPath();
  for (const field of fields) {
    for (let i = 0; i < FINE * (FINE - 1); i++) { // each square: where its sides meet the line
      if (i % FINE === FINE - 1) continue;
      let ends = 0;
      for (const [p, q] of [[i, i + 1], [i + 1, i + FINE + 1], [i + FINE, i + FINE + 1], [i, i + FINE]]) {
        if (field[p] > 0 === field[q] > 0) continue;
        const t = field[p] / (field[p] - field[q]), x = (p % FINE) + (q === p + 1 ? t : 0), y = Math.floor(p / FINE) + (q === p + 1 ? 0 : t);
        if (ends++ % 2) paint.lineTo(x * step, y * step);
        else paint.moveTo(x * step, y * step);
      }
    }
  }
  paint.stroke();
  const { px, py } = planeOf(side), { examples, middle } = trainer.lesson, shown = Number(byId("train-example").value) - 1;
  examples.forEach(([x1, x2, ...targets], i) => {
    const [x, y, c] = [px(x1), py(x2), trainer.classOf(targets, middle)];
    Object.assign(paint, { strokeStyle: c ? positive : negative, fillStyle: c && !many ? positive : paper });
    paint.beginPath();
    if (many || !c) paint.arc(x, y, many ? 8 : 4.5, 0, 7);
    else paint.rect(x - 4.5, y - 4.5, 9, 9);
    paint.fill();
    paint.stroke();
    Object.assign(paint, { fillStyle: ink, strokeStyle: i === shown ? ink : warning });
    if (many) paint.fillText(c, x, y);
    paint.beginPath();
    if (i === shown) paint.arc(x, y, 11, 0, 7);
    if (wrong.includes(i)) paint.rect(x - 8, y - 8, 16, 16);
    paint.stroke();
  });
}
