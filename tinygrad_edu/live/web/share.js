// Sharing: the state in the page's address, and the picture as a file.

let waiting = 0; // of the timer that writes the address

/** Writes the state into the address, a moment after the last change. */
function remember() {
  clearTimeout(waiting);
  waiting = setTimeout(() => {
    try { history.replaceState(null, "", addressOf()); }
    catch { /* a page inside of another, or from a mail, may have no address to write to */ }
  }, 200);
}

/** The state as the end of an address: #v=x:2,w:-3&e=12&level=node&theme=dark. @returns {string} */
function addressOf() {
  const { graph, data, position, level, theme } = state;
  const changed = [...leaves.keys()].filter((leaf) => !Object.is(graph.value[leaf], state.first[leaf]));
  const numbers = changed.map((leaf) => `${encodeURIComponent(data.name[leaf])}:${numeralOf(graph.value[leaf])}`);
  return `#${numbers.length ? `v=${numbers.join(",")}&` : ""}e=${position}&level=${level}${theme === data.theme ? "" : `&theme=${theme}`}`;
}

/** Takes the state from the address; what it cannot read is left out. */
function recall() {
  const { graph, data } = state, all = [...leaves.keys()];
  const told = new Map(location.hash.slice(1).split("&").map((part) => /** @type {[string, string]} */ (part.split(/=(.*)/s))));
  graph.value.set(state.first);
  for (const one of (told.get("v") || "").split(",")) {
    const [name, number = ""] = one.split(":"), { value, reason } = parse(number);
    const leaf = all.find((node) => encodeURIComponent(data.name[node]) === name);
    if (leaf !== undefined && !reason) graph.value[leaf] = value;
  }
  const position = Number(told.get("e") || NaN);
  if (position >= 0 && position <= graph.events.length) state.position = Math.floor(position);
  state.level = data.levels.find((/** @type {any} */ { name }) => name === told.get("level"))?.name ?? data.level;
  state.theme = [...byId("theme").options].find(({ value }) => value === told.get("theme"))?.value ?? data.theme;
}

/** The visible level as an SVG file, as it looks now. @returns {Blob} */
function pictureFile() {
  const { svg } = levelShown(), { width, height } = svg.viewBox.baseVal;
  const copy = svg.cloneNode(true), twins = copy.querySelectorAll("*");
  svg.querySelectorAll("*").forEach((/** @type {Element} */ element, /** @type {number} */ i) => {
    const look = getComputedStyle(element), written = element.matches(".caption") ? ["font-size", "text-anchor", "fill"] : [];
    written.push(...["fill", "stroke"].filter((name) => element.getAttribute(name)?.startsWith("var(")));
    if (element.closest(".now, .traced") || element.matches(".core, :has(+ .core)")) written.push("stroke", "stroke-width", "opacity", "font-weight");
    for (const name of written) twins[i].setAttribute(name, look.getPropertyValue(name));
    for (const name of ["tabindex", "role", "data-slot", "aria-label"]) twins[i].removeAttribute(name);
  });
  copy.querySelector(".flows").remove();
  copy.removeAttribute("style");
  setAll(copy, { width, height, role: "img", "font-size": 22, fill: getComputedStyle(svg).fill });
  return new Blob([new XMLSerializer().serializeToString(copy)], { type: "image/svg+xml" });
}

/** Gives a file to the reader. @param {Blob | null} blob @param {string} ending */
function giveFile(blob, ending) {
  if (!blob) return;
  const name = state.data.title.replace(/[^\p{L}\p{N}]+/gu, "-").slice(0, 60).replace(/^-|-$/g, "") || "graph";
  const link = make("a", { href: URL.createObjectURL(blob), download: `${name}.${ending}` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

/** The picture as PNG, with two pixels for each point, if that is not too large. */
async function savePng() {
  const image = new Image(), canvas = document.createElement("canvas"), { width, height } = levelShown().svg.viewBox.baseVal;
  const times = Math.min(2, 8000 / Math.max(width, height));
  image.src = URL.createObjectURL(pictureFile());
  await image.decode();
  Object.assign(canvas, { width: width * times, height: height * times });
  canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
  URL.revokeObjectURL(image.src);
  canvas.toBlob((blob) => giveFile(blob, "png"));
}

/** Copies the address, or shows it where the browser forbids that. */
async function copyLink() {
  const address = location.href.split("#")[0] + addressOf(), copied = navigator.clipboard?.writeText(address);
  byId("shared").textContent = await (copied ?? Promise.reject()).then(() => "The link is copied.", () => address);
}

/** Connects the controls. */
function startShare() {
  onClick({ share: copyLink, "save-svg": () => giveFile(pictureFile(), "svg"), "save-png": savePng });
  addEventListener("hashchange", () => (recall(), update("level"), update("numbers")));
}
