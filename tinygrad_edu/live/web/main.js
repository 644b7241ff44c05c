// The state of the page, and the one way to change what it shows.

/** @type {{graph: Graph, data: any, position: number, playing: boolean, speed: number, level: string,
 *  theme: string, selected: string, rate: number, losses: number[]}} */
const state = {
  graph: /** @type {any} */ (null), data: null, position: 0, playing: false, speed: 1, level: "",
  theme: "system", selected: "", rate: 0.1, losses: [],
};
/** @type {Map<string, Level>} */
const levels = new Map();

/** The visible level; each is prepared when it is first shown. @returns {Level} */
function levelShown() {
  let found = levels.get(state.level);
  if (!found) {
    found = new Level(state.data.levels.find((/** @type {any} */ told) => told.name === state.level));
    levels.set(state.level, found);
  }
  return found;
}

/**
 * Repaints what a change can have changed.
 * @param {"numbers" | "event" | "level" | "look"} what numbers: a leaf has another number; event:
 *   the position; level: another level, theme or size; look: what is selected
 */
function update(what) {
  if (what === "numbers") state.graph.run();
  if (what === "level") showLevel();
  if (what !== "look") {
    levelShown().repaint();
    repaintEvent();
    repaintTable();
  }
  if (what === "event" || what === "level") follow();
  repaintPanel();
  if (what === "numbers" || what === "look") repaintTouch(what === "numbers");
  remember();
  document.dispatchEvent(new CustomEvent("repainted", { detail: what }));
}

/** Reads the data, connects all controls and shows the page as its address says. */
function start() {
  state.data = JSON.parse(byId("data").textContent);
  state.graph = new Graph(state.data);
  state.graph.run();
  state.position = state.graph.events.length;
  state.level = state.data.level;
  state.theme = state.data.theme;
  document.documentElement.classList.add("live");
  for (const begin of [startPlay, startPredict, startTouch, startLook, startShare]) begin();
  if (state.data.controls || state.data.view) startView();
  recall();
  update("level");
  update("numbers");
  if (state.data.train) startTrain();
}

start();
