// Training: gradient descent on all examples, its loss, and what a network answers over its inputs.

/**
 * @typedef {{inputs: number[], targets: number[], parameters: number[], outputs: number[],
 *   examples: number[][], weights?: number[], rate: number, kind: "yes" | "largest" | "number",
 *   threshold: number, middle: number}} Lesson
 */
const SLICE = 12; // milliseconds of steps between two frames
const FINE = 40; // points along a side of the map
const LONG = 200; // points of a curve at most

/** Gradient descent on the mean loss of the examples of a batch. */
class Trainer {
  /** @param {Graph} graph @param {any} data of the page */
  constructor(graph, data) {
    const { n, op } = graph, operands = [data.a, data.b];
    this.lesson = /** @type {Lesson} */ (data.train);
    this.n = n;
    this.op = op;
    this.out = graph.output;
    [this.a, this.b] = operands.map((ids) => Int32Array.from(ids, (x) => Math.max(x, 0))); // -1 is slow to read
    this.v = graph.value.slice();
    this.g = new Float64Array(n);
    this.local = new Float64Array(2 * n);
    this.arrived = new Uint8Array(n);
    const { parameters, inputs, targets, rate } = this.lesson, wanted = new Set(parameters), edges = [];
    for (let edge = 0; edge < 2 * n; edge++) { // those on a path from a parameter
      const node = edge >> 1;
      if (!wanted.has(operands[edge & 1][node]) || (op[node] === MASK && !(edge & 1))) continue;
      wanted.add(node);
      edges.push(edge);
    }
    edges.sort((e, f) => (f >> 1) - (e >> 1) || e - f);
    this.edges = Int32Array.from(edges);
    this.from = Int32Array.from(edges, (edge) => edge >> 1);
    this.to = Int32Array.from(edges, (edge) => operands[edge & 1][edge >> 1]);
    this.given = [...inputs, ...targets];
    this.first = parameters.map((p) => this.v[p]);
    this.sums = new Float64Array(parameters.length);
    this.rate = rate;
    this.share = this.size = this.steps = this.epoch = this.phase = 0;
    /** @type {number[]} */ this.losses = []; // of each step, before its update
    /** @type {number[]} */ this.rest = []; // of the epoch
    /** @type {number[]} */ this.now = []; // the examples of this step
  }

  /** The first weights again. */
  reset() {
    this.lesson.parameters.forEach((p, j) => (this.v[p] = this.first[j]));
    this.steps = this.epoch = this.phase = 0;
    this.rest = [];
    this.losses = [];
  }

  /** Chooses the examples of the next step; with batches, in the order of Python's `train`. */
  take() {
    const every = [...this.lesson.examples.keys()];
    if (!this.rest.length) this.rest = this.size ? shuffled(every, BigInt(this.epoch++)) : (this.epoch++, every);
    this.now = this.rest.splice(0, this.size || every.length);
    this.share = this.now.reduce((sum, i) => sum + this.weight(i), 0);
  }

  /** @param {number} i an example @returns {number} its weight in the mean */
  weight(i) {
    return this.lesson.weights ? this.lesson.weights[i] : 1;
  }

  /** Computes the outputs and the loss of an example. @param {number} i */
  ahead(i) {
    const { v, given } = this, example = this.lesson.examples[i];
    for (let j = 0; j < given.length; j++) if (given[j] >= 0) v[given[j]] = example[j];
    forward(this.op, this.a, this.b, v, 0, this.n);
  }

  /** Adds up the gradients of the example that `ahead` has computed. @param {number} weight */
  back(weight) {
    const { op, a, v, g, local, arrived, edges, from, to, sums } = this, { parameters } = this.lesson;
    slopes(op, a, this.b, v, local, 0, this.n);
    g.fill(0);
    arrived.fill(0);
    g[this.out] = arrived[this.out] = 1;
    for (let i = 0; i < edges.length; i++) {
      const node = from[i];
      if (MASK >= 0 && (!arrived[node] || (op[node] === MASK && v[a[node]] === 0))) continue;
      g[to[i]] += g[node] * local[edges[i]];
      if (MASK >= 0) arrived[to[i]] = 1;
    }
    for (let j = 0; j < sums.length; j++) sums[j] += weight * g[parameters[j]];
  }

  /** Both passes for the examples of this step; the mean loss is the last of `losses`. */
  passes() {
    let loss = 0;
    this.sums.fill(0);
    for (const i of this.now) {
      this.ahead(i);
      loss += this.weight(i) * this.v[this.out];
      this.back(this.weight(i));
    }
    this.losses.push(loss / this.share);
    this.phase = 3;
  }

  /** The update. @returns {boolean} false, and nothing moves, if the loss is not finite */
  move() {
    const { v, sums, rate, share, lesson: { parameters } } = this;
    if (!Number.isFinite(this.losses[this.steps])) return false;
    for (let j = 0; j < sums.length; j++) v[parameters[j]] -= rate * (sums[j] / share);
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

  /** The mean loss of some examples as the weights are now, and which answers are wrong. */
  judge(some = [...this.lesson.examples.keys()]) {
    let loss = 0, share = 0;
    const wrong = some.filter((i) => {
      this.ahead(i);
      loss += this.weight(i) * this.v[this.out];
      share += this.weight(i);
      return this.answer() !== this.wanted(i);
    });
    return { loss: loss / share, wrong };
  }

  /** @returns {number} the class that the outputs name */
  answer() {
    const { outputs, kind, threshold } = this.lesson, ys = outputs.map((y) => this.v[y]);
    return kind === "largest" ? ys.indexOf(Math.max(...ys)) : Number(ys[0] > threshold);
  }

  /** @param {number} i @returns {number} the class that the target of an example names */
  wanted(i) {
    const { examples, inputs, kind, middle } = this.lesson, ts = examples[i].slice(inputs.length);
    return kind !== "largest" ? Number(ts[0] > middle) : ts.length > 1 ? ts.indexOf(Math.max(...ts)) : ts[0];
  }

  /** The numbers of nodes for other inputs. @param {number[]} xs @param {number[]} nodes */
  at(xs, nodes) {
    const { v, lesson: { inputs } } = this;
    for (let j = 0; j < xs.length; j++) if (inputs[j] >= 0) v[inputs[j]] = xs[j];
    forward(this.op, this.a, this.b, v, 0, Math.max(...nodes) + 1);
    return nodes.map((node) => v[node]);
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
let training = false, began = [0, 0], due = 0; // whether steps run; since when and which step; the next painting

/** Connects the controls, if the page has examples. */
function startTrain() {
  const { data, graph } = state;
  if (!data.train) return;
  trainer = new Trainer(graph, data);
  const { examples, inputs, outputs } = trainer.lesson, sizes = [1, 2, 5, 10, 20, 50, 100].filter((n) => n < examples.length);
  byId("train-batch").append(make("option", { value: 0, text: `all ${examples.length}` }),
    ...sizes.map((n) => make("option", { value: n, text: n })));
  byId("train-rate").value = trainer.rate;
  byId("train-example").max = examples.length;
  byId("train-view").hidden = inputs.length > 2;
  byId("train-map").hidden = inputs.length !== 2;
  byId("train-curve").toggleAttribute("hidden", inputs.length !== 1);
  const units = new Map(); // the last node of each neuron
  for (let node = 0; node <= Math.max(...outputs); node++) if (data.group[node] && graph.op[node] >= 0) units.set(data.group[node], node);
  byId("train-unit").append(make("option", { value: -1, text: "the answer" }),
    ...[...units].map(([group, node]) => make("option", { value: node, text: group.replaceAll("/", ".") })));
  byId("train-run").onclick = () => runTraining(!training);
  byId("train-step").onclick = () => (runTraining(false), doPhase(4));
  byId("train-phase").onclick = () => (runTraining(false), doPhase(1));
  byId("train-reset").onclick = () => (runTraining(false), trainer.reset(), showTraining());
  byId("train-unit").onchange = drawAnswer;
  byId("train-example").onchange = () => showExample(Number(byId("train-example").value) - 1);
  byId("train-batch").onchange = () => (trainer.size = Number(byId("train-batch").value), trainer.rest = []);
  byId("train-rate").onchange = () => {
    const { value, reason } = parse(byId("train-rate").value);
    byId("train-wrong").textContent = reason || (Number.isFinite(value) ? "" : "a rate is a finite number");
    if (Number.isFinite(value)) trainer.rate = value;
  };
  byId("train-map").onclick = (/** @type {MouseEvent} */ event) => {
    const [x, y] = [event.offsetX, event.offsetY], { px, py } = planeOf(byId("train-map").clientWidth);
    const far = examples.map((one) => Math.hypot(px(one[0]) - x, py(one[1]) - y));
    showExample(far.indexOf(Math.min(...far)));
  };
  document.addEventListener("repainted", (/** @type {any} */ { detail }) => {
    const shown = detail === "look" && [...byId("train-unit").options].find((one) => Number(one.value) === selectedNode());
    if (shown) byId("train-unit").value = shown.value;
    if (shown || detail === "level") drawAnswer();
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

/** Some steps, and now and then a painting, which may take a quarter of the time. */
function trainSlice() {
  if (!training) return;
  const end = performance.now() + SLICE;
  fetchWeights();
  do training = trainer.step(); while (training && performance.now() < end);
  if (!training) runTraining(false);
  const start = performance.now();
  if (start > due || !training) {
    showTraining();
    due = performance.now() + Math.max(100, 3 * (performance.now() - start));
  } else putWeights();
  requestAnimationFrame(trainSlice);
}

/** The trainer takes the page's weights, which a reader may have changed. */
function fetchWeights() {
  for (const p of trainer.lesson.parameters) trainer.v[p] = state.graph.value[p];
}

/** The page takes the trainer's weights. */
function putWeights() {
  for (const p of trainer.lesson.parameters) state.graph.set(p, trainer.v[p]);
}

/** The next phases, to the end of the step at most, and what the last one did. @param {number} count */
function doPhase(count) {
  const { data } = state, { parameters, kind } = trainer.lesson;
  const write = (/** @type {number} */ x) => rounded(x, data.precision);
  let said = "";
  fetchWeights();
  do {
    if (trainer.phase === 0) {
      trainer.take();
      const { now } = trainer, right = now.length - trainer.judge(now).wrong.length;
      said = `Forward: the outputs of ${now.length} examples${kind === "number" ? "" : `; ${right} are right`}.`;
      trainer.phase = 1;
    } else if (trainer.phase === 1) {
      said = `Loss: the mean of ${trainer.now.length} losses is ${write(trainer.judge(trainer.now).loss)}.`;
      trainer.phase = 2;
    } else if (trainer.phase === 2) {
      trainer.passes();
      const sizes = [...trainer.sums].map(Math.abs), j = sizes.indexOf(Math.max(...sizes));
      said = `Backward: the mean gradients of ${sizes.length} parameters; the largest is `
        + `${write(trainer.sums[j] / trainer.share)}, of ${data.name[parameters[j]]}.`;
    } else {
      const before = parameters.map((p) => trainer.v[p]);
      if (!trainer.move()) break;
      const moves = parameters.map((p, j) => Math.abs(trainer.v[p] - before[j])), most = moves.indexOf(Math.max(...moves));
      said = `Update: each parameter moves by -${trainer.rate} × its gradient; `
        + `${data.name[parameters[most]]} from ${write(before[most])} to ${write(trainer.v[parameters[most]])}.`;
    }
  } while (--count && trainer.phase);
  showTraining(said);
}

/** Puts an example on the inputs of the picture, before the forward pass. @param {number} i */
function showExample(i) {
  const { examples } = trainer.lesson;
  if (!examples[i]) return;
  byId("train-example").value = i + 1;
  trainer.given.forEach((leaf, j) => leaf >= 0 && state.graph.set(leaf, examples[i][j]));
  state.position = 0;
  update("numbers");
  drawAnswer();
}

/** Paints what training has changed. */
function showTraining(said = "") {
  const { losses, steps, epoch, lesson } = trainer, count = lesson.examples.length, last = losses[losses.length - 1];
  const write = (/** @type {number} */ x) => rounded(x, state.data.precision);
  putWeights();
  update("numbers");
  const { loss, wrong } = trainer.judge(), every = Math.ceil(losses.length / LONG);
  const pace = (1000 * (steps - began[1])) / (performance.now() - began[0]);
  byId("train-status").textContent = `step ${steps}, epoch ${epoch}: the mean loss of all examples is ${write(loss)}`
    + (lesson.kind === "number" ? "" : `; ${count - wrong.length} of ${count} are right`)
    + (training ? `; ${Math.round(pace)} steps a second` : "");
  const stopped = losses.length > steps && trainer.phase === 3 && !Number.isFinite(last);
  byId("train-wrong").textContent = stopped
    ? `The loss is ${write(last)} at step ${steps}: training stopped before the update. Go back to the first weights, and take a smaller rate.` : "";
  byId("train-said").textContent = stopped ? "" : said;
  byId("train-phase").textContent = `Phase: ${["forward", "loss", "backward", "update"][trainer.phase]}`;
  const some = [...losses.keys()].filter((i) => i % every === 0 || i === losses.length - 1);
  curve(byId("train-loss"), [{ class: "line", xs: some, ys: some.map((i) => losses[i]) }], "step", "loss");
  byId("train-loss").setAttribute("aria-label", losses.length ? `mean loss from ${write(losses[0])} to ${write(last)} in ${losses.length} steps` : "no step yet");
  drawAnswer();
}

/** The answer, or what one unit says, over one or two inputs, with the examples. */
function drawAnswer() {
  const { inputs, examples, outputs, kind, threshold, middle } = trainer.lesson, { data } = state;
  const unit = Number(byId("train-unit").value), names = inputs.map((leaf, j) => data.name[leaf] ?? `input ${j + 1}`);
  if (inputs.length === 1) {
    const [low, high] = spanOf(0), xs = Array.from({ length: LONG }, (_, i) => low + ((high - low) * i) / (LONG - 1));
    const lines = (unit < 0 ? outputs : [unit]).map((node) => ({ class: "line", xs, ys: xs.map((x) => trainer.at([x], [node])[0]) }));
    const points = unit < 0 && kind !== "largest" ? examples.flatMap(([x, ...ys]) => ys.map((y) => ({ class: "spot", xs: [x], ys: [y] }))) : [];
    curve(byId("train-curve"), [...lines, ...points], names[0], "output");
    byId("train-curve").setAttribute("aria-label", `the curve over ${names[0]}, with ${points.length} examples`);
  }
  if (inputs.length !== 2) return;
  const nodes = unit < 0 ? (kind === "largest" ? outputs : outputs.slice(0, 1)) : [unit];
  const [[x0, x1], [y0, y1]] = [spanOf(0), spanOf(1)], side = [...Array(FINE).keys()].map((i) => i / (FINE - 1));
  const answers = side.flatMap((down) => side.map((across) => trainer.at([x0 + across * (x1 - x0), y1 - down * (y1 - y0)], nodes)));
  const flat = answers.map(([z]) => z).filter(Number.isFinite), [low, high] = [Math.min(...flat), Math.max(...flat)];
  const level = unit < 0 ? threshold : low < 0 && high > 0 ? 0 : (low + high) / 2;
  const margin = (/** @type {number[]} */ zs, /** @type {number} */ c) => zs[c] - Math.max(...zs.filter((_, k) => k !== c));
  const fields = nodes.length === 1 ? [answers.map(([z]) => z - level)]
    : (nodes.length === 2 ? [1] : nodes).map((_, c) => answers.map((zs) => margin(zs, nodes.length === 2 ? 1 : c)));
  const wrong = unit < 0 && kind !== "number" ? trainer.judge().wrong : [];
  paintPlane(fields, wrong);
  const above = fields[0].filter((z) => z > 0).length / answers.length;
  const write = (/** @type {number} */ x) => rounded(x, 2);
  byId("train-words").textContent = `over ${names[0]} from ${write(x0)} to ${write(x1)}, and ${names[1]}, up, from ${write(y0)} to ${write(y1)}; `
    + (fields.length > 1 ? "lines between the classes" : `line at ${write(nodes.length > 1 ? 0 : level)}`);
  byId("train-map").setAttribute("aria-label", `Map ${byId("train-words").textContent}. `
    + (fields.length > 1 ? "" : `${Math.round(100 * above)} % of it is above the line. `)
    + (unit < 0 && kind !== "number" ? `${wrong.length} of ${examples.length} examples are wrong${wrong.length && wrong.length < 9 ? `: ${wrong.map((i) => i + 1).join(", ")}` : ""}. ` : "")
    + (fields.length > 1 ? "Digits are classes." : `Squares have targets above ${write(middle)}, circles below.`));
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
  return { px: (/** @type {number} */ x) => (side * (x - x0)) / (x1 - x0), py: (/** @type {number} */ y) => (side * (y1 - y)) / (y1 - y0) };
}

/**
 * Paints fields over the plane, the lines where they are 0, and the examples.
 * @param {number[][]} fields one, whose sign counts, or one for each class, the largest counts
 * @param {number[]} wrong examples
 */
function paintPlane(fields, wrong) {
  const canvas = byId("train-map"), side = canvas.clientWidth || 360, dots = devicePixelRatio || 1;
  const style = getComputedStyle(document.documentElement), color = (/** @type {string} */ name) => style.getPropertyValue(`--${name}`).trim();
  const [paper, ink, quiet, negative, positive, warning] = ["paper", "ink", "quiet", "negative", "positive", "warning"].map(color);
  const paint = canvas.getContext("2d"), step = side / (FINE - 1), many = fields.length > 1;
  const most = Math.max(...fields[0].map(Math.abs).filter(Number.isFinite)) || 1;
  const classOf = (/** @type {number} */ i) => fields.findIndex((field) => field[i] > 0);
  canvas.width = canvas.height = Math.round(side * dots);
  paint.setTransform(dots, 0, 0, dots, 0, 0);
  paint.fillStyle = paper;
  paint.fillRect(0, 0, side, side);
  for (let i = 0; i < FINE * FINE; i++) {
    const share = many ? (2 * classOf(i)) / (fields.length - 1) - 1 : fields[0][i] / most;
    paint.globalAlpha = many ? 0.4 * Math.abs(share) : 0.08 + 0.37 * Math.min(1, Math.abs(share));
    paint.fillStyle = share > 0 ? positive : negative;
    if (share === share) paint.fillRect((i % FINE - 0.5) * step, (Math.floor(i / FINE) - 0.5) * step, step + 0.5, step + 0.5);
  }
  paint.globalAlpha = 1;
  Object.assign(paint, { fillStyle: quiet, font: "13px sans-serif", textAlign: "center", textBaseline: "middle" });
  for (let row = 2; row < FINE; row += 5) {
    for (let k = 2; k < FINE; k += 5) {
      const i = row * FINE + k, sign = fields[0][i] > 0 ? "+" : fields[0][i] < 0 ? "−" : "";
      paint.fillText(many ? String(classOf(i)) : sign, k * step, row * step);
    }
  }
  Object.assign(paint, { strokeStyle: ink, lineWidth: 2 });
  paint.beginPath();
  for (const field of fields) {
    for (let i = 0; i < FINE * (FINE - 1); i++) {
      if (i % FINE === FINE - 1) continue;
      const corners = [i, i + 1, i + FINE + 1, i + FINE], ends = [];
      for (const [c, p] of corners.entries()) { // where the sides of this square meet the line
        const q = corners[(c + 1) % 4], t = field[p] / (field[p] - field[q]);
        if (field[p] > 0 === field[q] > 0 || !(t >= 0 && t <= 1)) continue;
        ends.push([(p % FINE) + t * ((q % FINE) - (p % FINE)), Math.floor(p / FINE) + t * (Math.floor(q / FINE) - Math.floor(p / FINE))]);
      }
      ends.forEach(([x, y], e) => (e % 2 ? paint.lineTo(x * step, y * step) : paint.moveTo(x * step, y * step)));
    }
  }
  paint.stroke();
  const { px, py } = planeOf(side), shown = Number(byId("train-example").value) - 1;
  trainer.lesson.examples.forEach((example, i) => {
    const [x, y, c] = [px(example[0]), py(example[1]), trainer.wanted(i)];
    Object.assign(paint, { strokeStyle: c ? positive : negative, fillStyle: c ? positive : paper, lineWidth: 2 });
    paint.beginPath();
    if (many || c === 0) paint.arc(x, y, many ? 8 : 4.5, 0, 7);
    else paint.rect(x - 4.5, y - 4.5, 9, 9);
    if (many) paint.fillStyle = paper;
    paint.fill();
    paint.stroke();
    paint.fillStyle = ink;
    if (many) paint.fillText(String(c), x, y);
    paint.strokeStyle = i === shown ? ink : warning;
    paint.beginPath();
    if (i === shown) paint.arc(x, y, 10, 0, 7);
    if (wrong.includes(i)) paint.rect(x - 8, y - 8, 16, 16);
    paint.stroke();
  });
}
