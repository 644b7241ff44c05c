// Training: gradient descent on all examples, its loss, and what a network answers over its inputs.

/**
 * @typedef {{inputs: number[], targets: number[], parameters: number[], outputs: number[],
 *   examples: number[][], weights?: number[], rate: number, kind: "yes" | "largest" | "number",
 *   threshold: number, middle: number}} Lesson
 */
const SIZE = 32; // examples that are computed at once, each in its lane
const FINE = 40; // points along a side of the map
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
    this.a = a.map((k) => Math.max(k, 0));
    this.b = b.map((k) => Math.max(k, 0));
    this.wanted = new Uint8Array(n); // a parameter, or computed from one
    for (const p of parameters) this.wanted[p] = 1;
    for (let k = 0; k < n; k++) if (this.wanted[a[k]] || this.wanted[b[k]]) this.wanted[k] = 1;
    this.v = new Float64Array(n * SIZE).map((_, i) => value[Math.floor(i / SIZE)]);
    this.g = new Float64Array(n * SIZE).fill(-0); // as each pass leaves them
    this.given = [...inputs, ...targets];
    this.means = new Float64Array(parameters.length); // of the gradients
    this.rate = rate;
    this.weights = lesson.weights ?? lesson.examples.map(() => 1); // in the mean
  }

  /** The first weights again. @param {Float64Array} first the numbers of all nodes */
  reset(first) {
    for (const p of this.lesson.parameters) this.graph.set(p, first[p]);
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
    const { v, given, graph, lesson: { parameters } } = this;
    for (const p of parameters) v.fill(graph.value[p], p * SIZE, (p + 1) * SIZE);
    for (let start = 0; start < rows.length; start += SIZE) {
      const count = Math.min(SIZE, rows.length - start);
      for (let j = 0; j < count; j++) rows[start + j].forEach((x, i) => given[i] >= 0 && (v[given[i] * SIZE + j] = x));
      forwardLanes(graph.op, this.a, this.b, v, SIZE, count, to);
      for (let j = 0; j < count; j++) tell(start + j, j);
      then(count);
    }
  }

  /** Both passes for the examples of this step; the mean loss is the last of `losses`. */
  passes() {
    const { g, v, graph: { op, output, n }, now, means, lesson: { examples, parameters } } = this;
    let loss = 0, share = 0;
    means.fill(0);
    this.ahead(now.map((i) => examples[i]), n, (row, lane) => {
      const at = output * SIZE + lane;
      share += g[at] = this.weights[now[row]];
      loss += g[at] * v[at];
    }, (count) => {
      backwardLanes(op, this.a, this.b, v, g, this.wanted, SIZE, count, output);
      parameters.forEach((p, i) => { for (let j = p * SIZE; j < p * SIZE + count; j++) means[i] += g[j]; });
      g.fill(-0);
    });
    means.forEach((sum, i) => (means[i] = sum / share));
    this.losses.push(loss / share);
    this.phase = 3;
  }

  /** The rest of a step, or a whole one. @returns {boolean} false, without an update, if the loss is not finite */
  step() {
    if (this.phase === 0) this.take();
    if (this.phase < 3) this.passes();
    if (!Number.isFinite(this.losses[this.steps])) return false;
    this.lesson.parameters.forEach((p, i) => (this.graph.value[p] -= this.rate * this.means[i]));
    this.steps++;
    this.phase = 0;
    return true;
  }

  /** The mean loss of some examples with the present weights, and those whose answers are wrong; in words, how many are right, if some can be. */
  judge(some = [...this.lesson.examples.keys()]) {
    const { outputs, kind, threshold, middle, inputs, examples } = this.lesson, { v, graph } = this;
    /** @type {number[]} */ const wrong = [];
    let loss = 0, share = 0;
    this.ahead(some.map((i) => examples[i]), graph.n, (row, lane) => {
      const i = some[row], ys = outputs.map((y) => v[y * SIZE + lane]);
      loss += this.weights[i] * v[graph.output * SIZE + lane];
      share += this.weights[i];
      if (this.classOf(ys, threshold) !== this.classOf(examples[i].slice(inputs.length), middle)) wrong.push(i);
    });
    const right = kind === "number" ? "" : `; ${some.length - wrong.length} of ${some.length} are right`;
    return { loss: loss / share, wrong, right };
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
/** @type {Map<number, string>} */ const units = new Map(); // the last node of each neuron, and its name
let frame = 0, began = [0, 0]; // the next frame, while steps run; since when, from which step
let painted = 0, due = 0; // when the page was painted, until the next frame; when it is painted again

/** Connects the controls. */
function startTrain() {
  const { data, graph } = state;
  trainer = new Trainer(graph, data.train);
  const { examples, inputs, outputs } = trainer.lesson, count = examples.length;
  const computed = [...graph.op.keys()].filter((k) => data.group[k] && graph.op[k] >= 0 && k <= Math.max(...outputs));
  const last = new Map(computed.map((k) => [data.group[k], k]));
  for (const [group, k] of [...last].sort(([, p], [, q]) => p - q)) units.set(k, group.replaceAll("/", "."));
  const sizes = [1, 2, 5, 10, 20, 50, 100].filter((n) => n < count);
  byId("train-unit").append(...[...units].map(([value, text]) => make("option", { value, text })));
  byId("train-batch").append(...[0, ...sizes].map((value) => make("option", { value, text: value || `all ${count}` })));
  byId("train-rate").value = trainer.rate;
  byId("train-example").max = count;
  byId("train-view").hidden = inputs.length > 2;
  const reset = () => (trainer.reset(state.first), runTraining(false));
  onClick({ "train-run": () => runTraining(!frame), "train-step": () => doPhases(4), "train-phase": () => doPhases(1),
    "train-reset": reset });
  byId("train-unit").onchange = showAnswer;
  byId("train-example").onchange = () => showExample(Number(byId("train-example").value) - 1);
  byId("train-batch").onchange = () => ([trainer.size, trainer.rest] = [Number(byId("train-batch").value), []]);
  readNumber(byId("train-rate"), byId("train-refused"), (x) => (trainer.rate = x), "a rate is a finite number");
  byId("train-map").onclick = (/** @type {MouseEvent} */ { offsetX, offsetY }) => {
    const far = placed(byId("train-map").clientWidth).map(([x, y]) => Math.hypot(x - offsetX, y - offsetY));
    showExample(far.indexOf(Math.min(...far)));
  };
  document.addEventListener("repainted", (/** @type {any} */ { detail }) => {
    if (detail === "look" && units.has(selectedNode())) byId("train-unit").value = selectedNode();
    if (detail !== "event") showAnswer();
  });
  document.addEventListener("pointed", showAnswer);
  byId(inputs.length === 1 ? "train-map" : "train-curve").remove();
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
  do if (!trainer.step()) return runTraining(false); while (state.speed >= 1 && performance.now() < start + 12);
  frame = requestAnimationFrame(trainSlice);
  if (start < due) return;
  painted = performance.now();
  showTraining();
}

/** The next phases, to the end of the step at most, and in words what the last one did. @param {number} count */
function doPhases(count) {
  const { means, graph, rate, lesson: { parameters } } = trainer;
  let said = "";
  runTraining(false);
  do {
    if (trainer.phase === 0) trainer.take();
    const { now, phase } = trainer, { loss, right } = trainer.judge(now);
    if (phase === 2) trainer.passes();
    const most = means.reduce((best, x, i) => (Math.abs(x) > Math.abs(means[best]) ? i : best), 0), p = parameters[most];
    const name = state.data.name[p], before = shown(graph.value[p]);
    if (phase === 3 && !trainer.step()) break;
    if (phase < 2) trainer.phase++;
    said = [`Forward: the outputs of ${now.length} examples${right}.`,
      `Loss: the mean of ${now.length} losses is ${shown(loss)}.`,
      `Backward: the mean gradients of ${means.length} parameters; the largest is ${shown(means[most])}, of ${name}.`,
      `Update: each parameter moves by -${rate} × its gradient; ${name} from ${before} to ${shown(graph.value[p])}.`][phase];
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
  const { inputs, examples, outputs, kind } = trainer.lesson, at = Number(pointed.replace("node ", "") || -1);
  const unit = units.has(at) ? at : Number(byId("train-unit").value);
  const names = inputs.map((leaf, j) => state.data.name[leaf] ?? `input ${j + 1}`);
  if (inputs.length === 2) showMap(unit, names);
  if (inputs.length !== 1) return;
  const [low, high] = spanOf(0), xs = between(low, high, LONG), nodes = unit < 0 ? outputs : [unit];
  const found = trainer.at(xs.map((x) => [x]), nodes), shown = unit < 0 && kind !== "largest" ? examples : [];
  curve(byId("train-curve"), [...nodes.map((_, c) => ({ class: "line", xs, ys: found.map((ys) => ys[c]) })),
    ...shown.flatMap(([x, ...ys]) => ys.map((y) => ({ class: "spot", xs: [x], ys: [y] })))], names[0], "output");
  byId("train-curve").ariaLabel = `the curve over ${names[0]}, with ${shown.length} examples`;
}

/** The map of two inputs, with its words. @param {number} unit or -1 @param {string[]} names of the inputs */
function showMap(unit, names) {
  const { outputs, kind, threshold, middle, examples } = trainer.lesson, [left, right] = spanOf(0), [bottom, top] = spanOf(1);
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
  const range = (/** @type {number[]} */ ends) => `from ${ends.map((x) => rounded(x, 2)).join(" to ")}`;
  const words = `${units.get(unit) ?? "the answer"} over ${names[0]} ${range([left, right])}, and ${names[1]}, upwards, ${range([bottom, top])}; `
    + (many ? "lines between the classes" : `line at ${rounded(nodes.length > 1 ? 0 : level, 2)}`);
  paintMap(fields, wrong);
  say({ "train-words": words });
  byId("train-map").ariaLabel = `Map: ${words}. ${many ? "" : `${above} % of it is above the line. `}`
    + (judged ? `${wrong.length} of ${examples.length} examples are wrong, in frames: ${numbers}. ` : "")
    + (many ? "Digits are classes." : `Squares have targets above ${rounded(middle, 2)}, circles below.`);
}

/** The range of an input over the examples, with a margin. @param {number} j */
function spanOf(j) {
  const xs = trainer.lesson.examples.map((one) => one[j]), low = Math.min(...xs), high = Math.max(...xs);
  const margin = 0.25 * (high - low) || 1;
  return [low - margin, high + margin];
}

/** Where the examples are on the map, from its top left corner. @param {number} side of the map */
function placed(side) {
  const [left, right] = spanOf(0), [bottom, top] = spanOf(1);
  return trainer.lesson.examples.map(([x, y]) => [(side * (x - left)) / (right - left), (side * (top - y)) / (top - bottom)]);
}

/**
 * Paints fields over the plane, the lines where they are 0, and the examples.
 * @param {number[][]} fields one, whose sign counts, or one for each class, of which one is above 0
 * @param {number[]} wrong examples
 */
function paintMap(fields, wrong) {
  const canvas = byId("train-map"), side = canvas.clientWidth || 360, dots = devicePixelRatio || 1, many = fields.length > 1;
  const style = getComputedStyle(document.documentElement), step = side / (FINE - 1), paint = canvas.getContext("2d");
  const [paper, ink, quiet, negative, positive, warning] =
    ["paper", "ink", "quiet", "negative", "positive", "warning"].map((name) => style.getPropertyValue(`--${name}`));
  const most = fields[0].reduce((top, z) => (Math.abs(z) > top ? Math.abs(z) : top), 1e-300);
  const classAt = (/** @type {number} */ i) => fields.findIndex((field) => field[i] > 0);
  const edge = (/** @type {number} */ k) => Math.round((k - 0.5) * step * dots) / dots; // whole pixels: no seams
  canvas.width = canvas.height = Math.round(side * dots);
  paint.setTransform(dots, 0, 0, dots, 0, 0);
  paint.beginPath();
  for (let i = 0; i < FINE * FINE; i++) {
    const k = i % FINE, row = (i - k) / FINE, share = many ? (2 * classAt(i)) / (fields.length - 1) - 1 : fields[0][i] / most;
    paint.globalAlpha = many ? 0.4 * Math.abs(share) : 0.08 + 0.37 * Math.min(1, Math.abs(share));
    paint.fillStyle = share > 0 ? positive : share < 0 ? negative : paper;
    paint.fillRect(edge(k), edge(row), edge(k + 1) - edge(k), edge(row + 1) - edge(row));
    for (const field of k < FINE - 1 && row < FINE - 1 ? fields : []) { // each square: where its sides meet a line
      const sides = [[i, i + 1], [i + 1, i + FINE + 1], [i + FINE, i + FINE + 1], [i, i + FINE]];
      sides.filter(([p, q]) => field[p] > 0 !== field[q] > 0).forEach(([p, q], end) => {
        const t = field[p] / (field[p] - field[q]), [x, y] = q === p + 1 ? [t, 0] : [0, t];
        paint[end % 2 ? "lineTo" : "moveTo"](((p % FINE) + x) * step, (Math.floor(p / FINE) + y) * step);
      });
    }
  }
  Object.assign(paint, { globalAlpha: 1, fillStyle: quiet, strokeStyle: ink, lineWidth: 2,
    font: "13px sans-serif", textAlign: "center", textBaseline: "middle" });
  paint.stroke();
  const some = between(2, FINE - 3, 8); // every fifth point has a sign
  for (const i of some.flatMap((row) => some.map((k) => row * FINE + k))) {
    paint.fillText(many ? classAt(i) : fields[0][i] > 0 ? "+" : "−", (i % FINE) * step, Math.floor(i / FINE) * step);
  }
  const mark = (/** @type {number} */ x, /** @type {number} */ y, /** @type {number} */ half, /** @type {number} */ corner) => {
    paint.beginPath();
    paint.roundRect(x - half, y - half, 2 * half, 2 * half, corner);
    paint.fill();
    paint.stroke();
  };
  const { examples, middle } = trainer.lesson, chosen = Number(byId("train-example").value) - 1;
  placed(side).forEach(([x, y], i) => {
    const c = trainer.classOf(examples[i].slice(2), middle), own = c ? positive : negative, half = many ? 8 : 4.5;
    Object.assign(paint, { strokeStyle: own, fillStyle: c && !many ? own : paper });
    mark(x, y, half, many || !c ? half : 0);
    paint.fillStyle = ink;
    if (many) paint.fillText(c, x, y);
    Object.assign(paint, { fillStyle: "transparent", strokeStyle: i === chosen ? ink : warning });
    if (i === chosen) mark(x, y, 11, 11);
    if (wrong.includes(i)) mark(x, y, 8, 0);
  });
}
