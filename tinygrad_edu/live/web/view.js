// What a lesson adds: sliders of its own, and a curve of a node over a leaf, with the lesson's data.

/** Makes them, if the page has any. */
function startView() {
  const { controls, view } = state.data;
  for (const [i, { name, leaves: moved, low, high }] of (controls || []).entries()) {
    const slider = make("input", { id: `control-${i}`, type: "range", min: low, max: high, step: "any" });
    const said = make("output", { for: slider.id });
    slider.oninput = () => {
      for (const leaf of moved) state.graph.value[leaf] = Number(slider.value);
      state.losses = [];
      state.data.train ? showTraining() : update("numbers");
    };
    byId("controls").append(make("label", { class: "wide" }, make("b", { text: `${name} ` }), slider, said));
    document.addEventListener("repainted", () => {
      slider.value = String(state.graph.value[moved[0]]);
      said.textContent = rounded(state.graph.value[moved[0]], state.data.precision);
    });
  }
  if (!view) return;
  document.addEventListener("repainted", () => drawView(byId("view"), view));
}

/**
 * Draws the curve, where the leaf is now, and the points.
 * @param {Element} plot
 * @param {{of: number, over: number, low: number, high: number, points: [number, number][]}} view
 */
function drawView(plot, { of, over, low, high, points }) {
  const { graph, data } = state, v = graph.value.slice();
  const xs = between(low, high, SAMPLES + 1), ys = xs.map((x) => {
    v[over] = x;
    forward(graph.op, graph.a, graph.b, v, 0, of + 1);
    return v[of];
  });
  const [name, out] = [data.name[over], data.name[of]], here = { class: "spot", xs: [graph.value[over]], ys: [graph.value[of]] };
  curve(plot, [{ class: "line", xs, ys }, here, ...points.map(([x, y]) => ({ class: "point", xs: [x], ys: [y] }))], name, out);
  plot.setAttribute("aria-label", `${out} over ${name} from ${low} to ${high}, with ${points.length} points`);
}
