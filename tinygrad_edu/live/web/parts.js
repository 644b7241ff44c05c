/**
 * The parts of a picture, and which numbers of the graph each of them shows. At level node, the
 * names of the parts say it: node-n5 is node 5, node-e3_5_1 is the use of node 3 as operand 1 of
 * node 5.
 * @param {{name: string, boxes: Object<string, Box>, links: Object<string, Link>}} level
 * @param {{kind: string, a: number[], b: number[]}} data
 * @returns {{boxes: Object<string, Box>, links: Object<string, Link>}}
 * @typedef {{node: number, holds: number[], biases?: [number, number][]}} Box
 * @typedef {{edges: number[], weight?: [number, number]}} Link
 */
function partsOf(level, data) {
  if (level.name !== "node") return level;
  const nodes = [...data.kind].map((_, k) => k);
  const boxes = Object.fromEntries(nodes.map((k) => [`node-n${k}`, { node: k, holds: [k] }]));
  const links = nodes.flatMap((k) => [data.a[k], data.b[k]].map((source, operand) =>
    /** @type {[string, Link]} */ ([`node-e${source}_${k}_${operand}`, { edges: [2 * k + operand] }])));
  return { boxes, links: Object.fromEntries(links) };
}
