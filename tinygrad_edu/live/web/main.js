// The state of the page, and the one way to change what it shows.

/** @type {{graph: Graph, data: any, position: number, playing: boolean, level: string,
 *  theme: string, selected: string, rate: number, losses: number[], first: Float64Array, at: any}} first: the numbers in
 *  the file; at: what is known at the position */
const state = {
  graph: /** @type {any} */ (null), data: null, position: 0, playing: false, level: "",
  theme: "system", selected: "", rate: 0.1, losses: [], first: new Float64Array(), at: null,
};
/** The visible level; each is prepared when it is first shown. @returns {Level} */
function levelShown() {
  const told = state.data.levels.find((/** @type {any} */ { name }) => name === state.level);
  return (told.made ??= new Level(told));
}

const REPAINTS = [repaintEvent, repaintTable, repaintPanel, repaintLeaves, repaintLosses, repaintTangent, remember];

/**
 * Repaints what a change can have changed.
 * @param {"numbers" | "event" | "level" | "look"} what numbers: a leaf has another number; event:
 *   the position; level: another level, theme or size; look: what is selected
 */
function update(what) {
  if (what === "numbers") state.graph.run();
  if (what === "level") showLevel();
  if (what !== "look") {
    state.at = state.graph.moment(state.position);
    levelShown().repaint();
  }
  if (what === "event" || what === "level") follow();
  for (const repaint of REPAINTS) repaint();
  document.dispatchEvent(new CustomEvent("repainted", { detail: what }));
}

/** Reads the data, connects all controls and shows the page as its address says. */
function start() {
  state.data = JSON.parse(byId("data").textContent);
  state.graph = new Graph(state.data);
  state.first = state.graph.value.slice();
  state.graph.run();
  state.position = state.graph.events.length;
  document.documentElement.classList.add("live");
  for (const begin of [startPlay, startPredict, startTouch, startLook, startShare]) begin();
  if (state.data.controls || state.data.view) startView();
  recall();
  update("level");
  update("numbers");
  if (state.data.train) startTrain();
}

start();
