// The graph: its numbers, and what the forward and the backward pass do to them.

/**
 * One event of a pass. edge: 2 * target + operand; -1 if none is passed, which is so in the
 * forward pass, and where the output gets its adjoint.
 * @typedef {{phase: "forward" | "backward", node: number, edge: number}} PassEvent
 */

class Graph {
  /** @param {any} data as the page has them */
  constructor(data) {
    const n = data.op.length;
    this.n = n;
    this.op = Int32Array.from(data.op);
    this.a = Int32Array.from(data.a);
    this.b = Int32Array.from(data.b);
    this.wanted = Uint8Array.from(data.kind, (/** @type {string} */ letter) => Number(letter !== "c")); // constants have no gradient
    this.output = /** @type {number} */ (data.output);
    this.value = Float64Array.from(data.data, (/** @type {any} */ x) => (typeof x === "string" ? parse(x).value : x));
    this.grad = new Float64Array(n);
    this.reached = new Uint8Array(n); // whether the backward pass comes to the node
    // Each edge, an operand of a node, has a place in these: 2 * node + operand.
    this.local = new Float64Array(2 * n);
    this.contribution = new Float64Array(2 * n);
    this.passes = new Uint8Array(2 * n); // whether a contribution passes
    this.before = new Float64Array(2 * n); // the sum of those before it; nan for the first
    this.isFirst = new Uint8Array(2 * n);
    /** @type {number[]} */ this.order = []; // the edges along which contributions pass, in their order
    /** @type {PassEvent[]} */ this.told = []; // the events, once somebody asked for them
  }

  /** The node at the start of an edge. @param {number} edge @returns {number} */
  source(edge) {
    return (edge % 2 ? this.b : this.a)[edge >> 1];
  }

  /** Both passes: computes every number. */
  run() {
    const { n, op, a, b, value, output } = this;
    forward(op, a, b, value, 0, n);
    slopes(op, a, b, value, this.local, 0, n);
    for (const all of [this.grad, this.contribution, this.reached, this.passes, this.isFirst]) all.fill(0);
    this.before.fill(NaN);
    this.told = [];
    this.order = [];
    this.grad[output] = this.reached[output] = 1;
    for (let node = output; node >= 0; node--) {
      if (op[node] < 0 || !this.reached[node]) continue;
      this.pass(node, 2 * node);
      this.pass(node, 2 * node + 1);
    }
  }

  /** The events of both passes, in their order. @returns {PassEvent[]} */
  get events() {
    const { op, output, order, told } = this;
    if (told.length) return told;
    op.forEach((row, node) => row >= 0 && told.push({ phase: "forward", node, edge: -1 }));
    told.push({ phase: "backward", node: output, edge: -1 });
    for (const edge of order) told.push({ phase: "backward", node: this.source(edge), edge });
    return told;
  }

  /** A contribution along one edge, if one passes. @param {number} node @param {number} edge */
  pass(node, edge) {
    const source = this.source(edge);
    if (source < 0 || !this.wanted[source]) return;
    if (this.op[node] === MASK && this.local[edge] === 0) return; // not even 0 times infinity
    const contribution = this.grad[node] * this.local[edge];
    this.contribution[edge] = contribution;
    this.passes[edge] = 1;
    this.order.push(edge);
    if (this.reached[source]) {
      this.before[edge] = this.grad[source];
      this.grad[source] += contribution;
    } else {
      this.isFirst[edge] = this.reached[source] = 1;
      this.grad[source] = contribution;
    }
  }

  /**
   * What is known after the first p events. After the last one, every gradient is known: that of a
   * node to which nothing came is 0.
   * @param {number} p
   * @returns {{known: Uint8Array, grad: Float64Array, hasGrad: Uint8Array, passed: Uint8Array}}
   */
  moment(p) {
    const { n, op, events } = this;
    const known = Uint8Array.from(op, (row) => (row < 0 ? 1 : 0)), hasGrad = new Uint8Array(n);
    const grad = new Float64Array(n), passed = new Uint8Array(2 * n);
    for (const { phase, node, edge } of events.slice(0, p)) {
      if (phase === "forward") known[node] = 1;
      else if (edge < 0) grad[node] = hasGrad[node] = 1;
      else {
        grad[node] = this.isFirst[edge] ? this.contribution[edge] : this.before[edge] + this.contribution[edge];
        hasGrad[node] = passed[edge] = 1;
      }
    }
    return { known, grad, hasGrad: p < events.length ? hasGrad : this.wanted, passed };
  }

  /** The first node whose number is nan or infinite, or -1. @returns {number} */
  firstNonfinite() {
    return this.value.findIndex((x) => !Number.isFinite(x));
  }
}
