// What tinygrad_edu/live/rows.py prints in front of the page's own scripts.

type Numbers = Float64Array | number[];
type Nodes = Int32Array | number[];

declare const MASK: number;
declare function forward(op: Nodes, a: Nodes, b: Nodes, v: Numbers, from: number, to: number): void;
declare function slopes(
  op: Nodes, a: Nodes, b: Nodes, v: Numbers, d: Numbers, from: number, to: number,
): void;
declare function reads(
  op: number, place: number, y: number, a: number, b: number,
): number | undefined;
declare function forwardLanes(
  op: Nodes, a: Nodes, b: Nodes, v: Numbers, size: number, count: number, to: number,
): void;
declare function backwardLanes(
  op: Nodes, a: Nodes, b: Nodes, v: Numbers, g: Numbers, wanted: Uint8Array, size: number,
  count: number, from: number,
): void;
