// What is said about each event: the templates of the page's data, filled with names and numbers.

/**
 * The situation of operands, which decides between templates: live/words.py writes the same.
 * @param {number[]} at
 * @returns {string}
 */
function situation(at) {
  const sorts = at.map((x) => {
    if (Number.isNaN(x)) return "?";
    const sign = x < 0 ? "-" : x > 0 ? "+" : "0";
    if (!Number.isFinite(x)) return `${sign}i`;
    return at.length === 1 && x === Math.floor(x) ? `${sign}w` : sign;
  });
  const [a, b] = at;
  return sorts.join("") + (at.length === 1 ? "" : a < b ? "<" : a > b ? ">" : a === b ? "=" : "?");
}

/** Whether numbers are equal, or nearly so. @param {number} x @param {number} y @param {number} tolerance */
function isClose(x, y, tolerance) {
  return x === y || (Number.isFinite(x - y) && Math.abs(x - y) <= tolerance * Math.max(Math.abs(x), Math.abs(y)));
}

/**
 * A template with its names and numbers.
 * @param {string} template
 * @param {Graph} graph
 * @param {any} data
 * @param {number} node the result of the operation
 * @returns {string}
 */
function filled(template, graph, data, node) {
  return template.replace(/[\ue001-\ue004][aby]/g, ([mark, letter]) => {
    const at = letter === "y" ? node : graph.source(2 * node + Number(letter === "b"));
    const text = mark < "\ue003" ? data.name[at] : rounded(graph.value[at], data.precision);
    return mark === "\ue002" || mark === "\ue004" ? bracketed(text) : text;
  });
}

/** The operands of a node. @param {Graph} graph @param {number} node @returns {number[]} */
function operands(graph, node) {
  return [graph.a[node], graph.b[node]].filter((source) => source >= 0);
}

/**
 * "=", or "≈" where the factors of a contribution, as they are shown, give another number.
 * @param {Graph} graph
 * @param {number} edge
 * @param {number} precision
 * @returns {string}
 */
function signOf(graph, edge, precision) {
  const [adjoint, local] = [graph.grad[edge >> 1], graph.local[edge]].map((x) => seen(x, precision));
  return equals(adjoint * local, rounded(graph.contribution[edge], precision), precision);
}

/** Which of two operands an edge is, where a node is both. @param {Graph} graph @param {number} edge @returns {string} */
function sideOf(graph, edge) {
  return graph.a[edge >> 1] === graph.b[edge >> 1] ? [" (left)", " (right)"][edge % 2] : "";
}

/**
 * The local derivative of an edge in names, in numbers, rounded, and why: 1 - y**2 = 1 - 0**2 = 1.
 * @param {Graph} graph
 * @param {any} data
 * @param {number} edge
 * @returns {string}
 */
function localDerivative(graph, data, edge) {
  const { words, precision } = data, node = edge >> 1, op = graph.op[node], place = edge % 2;
  const local = graph.local[edge], shown = rounded(local, precision), y = graph.value[node];
  if (Number.isNaN(y)) return shown;
  const sources = operands(graph, node), at = sources.map((source) => graph.value[source]);
  const [a, b] = at, read = reads(op, place, y, a, b);
  if (words.kink[op] && !isClose(read ?? local, local, 1e-6)) return `${shown} by convention: ${words.kink[op]}`;
  const constants = sources.map((x) => (data.kind[x] === "c" && data.name[x] !== data.label[x] ? data.name[x] : ""));
  const key = (/** @type {string[]} */ beside) => [op, place, ...beside, ""].slice(0, 4).join(" ");
  const form = words.forms[words.slope[key(constants)] ?? words.slope[key(constants.map((c) => c && "c"))]];
  let [names, numbers, reason] = form[situation(at)] ?? form[""];
  if (read !== undefined) {
    const [told, x, z] = [y, ...at].map((number) => seen(number, precision));
    const made = reads(op, place, told, x, z) ?? NaN;
    // rounded numbers may give another result: tanh has no slope where 1 - y**2 is 1 - 1**2
    if (!isClose(made, local, 0.1) && !(Number.isNaN(made) && Number.isNaN(local))) numbers = "";
  }
  const texts = [names, numbers].map((text) => filled(text, graph, data, node));
  return [...new Set([...texts, shown])].filter(Boolean).join(" = ") + filled(reason, graph, data, node);
}

/**
 * The line before the first event: the numbers that are there without any operation.
 * @param {Graph} graph
 * @param {any} data
 * @returns {string}
 */
function givenLine(graph, data) {
  const leaves = [...data.kind].flatMap((/** @type {string} */ kind, /** @type {number} */ k) =>
    kind === "l" ? `${data.name[k]} = ${rounded(graph.value[k], data.precision)}` : []);
  return `given     ${leaves.join(", ") || "no leaf"}`;
}

/**
 * The line of an event, in names and in numbers, as Trace.line of tinygrad_edu writes it.
 * @param {Graph} graph
 * @param {any} data
 * @param {number} i the place of the event
 * @returns {string}
 */
function eventLine(graph, data, i) {
  const { phase, node, edge } = graph.events[i], { precision } = data;
  const name = data.name[edge < 0 ? node : edge >> 1], write = (/** @type {number} */ x) => rounded(x, precision);
  if (phase === "forward") {
    const op = graph.op[node], [names, numbers] = data.words.value[op], shown = write(graph.value[node]);
    const v = operands(graph, node).map((source) => seen(graph.value[source], precision));
    v[2] = NaN;
    forward([-1, -1, op], [-1, -1, 0], [-1, -1, 1], v, 2, 3);
    const formulas = [names, numbers].map((text) => filled(text, graph, data, node)).join(" = ");
    return `forward   ${name} = ${formulas} ${equals(v[2], shown, precision)} ${shown}`;
  }
  if (edge < 0) return `backward  ${name} is the output: d ${name} / d ${name} = 1, grad ${name} = 1`;
  const contribution = graph.contribution[edge], before = graph.before[edge], to = data.name[node];
  const [adjoint, local, added] = [graph.grad[edge >> 1], graph.local[edge], contribution].map(write);
  const grad = write(graph.isFirst[edge] ? contribution : before + contribution);
  const same = equals(seen(before, precision) + seen(contribution, precision), grad, precision);
  const sum = graph.isFirst[edge] ? "" : `${write(before)} + ${bracketed(added)} ${same} `;
  const product = `${bracketed(adjoint)} * ${bracketed(local)} ${signOf(graph, edge, precision)} ${added}`;
  return `backward  ${name} -> ${to}${sideOf(graph, edge)}: local derivative ${localDerivative(graph, data, edge)}; ` +
    `contribution ${product}; grad ${to} = ${sum}${grad}`;
}
