// Sharing: the state in the page's address, and the picture as a file.

let waiting = 0; // of the timer that writes the address

/** Writes the state into the address, a moment after the last change. */
function remember() {
  clearTimeout(waiting);
  waiting = setTimeout(() => {
    try {
      history.replaceState(null, "", addressOf());
    } catch {
      // a page from a mail program may have no address to write to
    }
  }, 200);
}

/** The state as the end of an address: #v=x:2,w:-3&e=12&level=node&theme=dark. @returns {string} */
function addressOf() {
  const { graph, data, position, level: name, theme } = state;
  const changed = [...leaves.keys()].filter((leaf) => !Object.is(graph.value[leaf], recorded(leaf)));
  const said = changed.map((leaf) => `${encodeURIComponent(data.name[leaf])}:${numeralOf(graph.value[leaf])}`);
  const parts = [said.length && `v=${said.join(",")}`, `e=${position}`, data.levels.length > 1 && `level=${encodeURIComponent(name)}`,
    theme !== data.theme && `theme=${theme}`];
  return `#${parts.filter(Boolean).join("&")}`;
}

/** Takes the state from the address; what it cannot read is left out. */
function recall() {
  const { graph, data } = state;
  const told = new Map(location.hash.slice(1).split("&").map((part) => /** @type {[string, string]} */ (part.split(/=(.*)/s))));
  for (const leaf of leaves.keys()) graph.set(leaf, recorded(leaf));
  for (const one of (told.get("v") || "").split(",")) {
    const [name, number] = one.split(":").map(decoded);
    const leaf = [...leaves.keys()].find((node) => data.name[node] === name);
    const { value, reason } = parse(number || "");
    if (leaf !== undefined && !reason) graph.set(leaf, value);
  }
  const position = Number(told.get("e") || NaN), wanted = decoded(told.get("level") || ""), theme = told.get("theme") || "";
  if (position >= 0 && position <= graph.events.length) state.position = Math.floor(position);
  if (data.levels.some((/** @type {any} */ { name }) => name === wanted)) state.level = wanted;
  if ([...byId("theme").options].some((option) => option.value === theme)) state.theme = theme;
  graph.run();
}

/** @param {string} text @returns {string} */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}

/** The visible level as the text of an SVG file, as it looks now. @returns {{text: string, width: number, height: number}} */
function pictureFile() {
  const { svg } = levelShown(), copy = svg.cloneNode(true);
  const [, , width, height] = svg.getAttribute("viewBox").split(/[ ,]+/).map(Number);
  const pairs = [...svg.querySelectorAll("*")].map((element, i) => [element, copy.querySelectorAll("*")[i]]);
  for (const [element, twin] of pairs) {
    const look = getComputedStyle(element);
    for (const name of ["fill", "stroke"]) if (/var\(|^$/.test(element.getAttribute(name) || "")) twin.setAttribute(name, look.getPropertyValue(name));
    const written = element.classList.contains("caption") ? ["font-size", "text-anchor", "fill"] : [];
    for (const name of written) twin.setAttribute(name, look.getPropertyValue(name));
    for (const name of ["stroke-width", "opacity"]) if (element.closest(".now, .traced")) twin.setAttribute(name, look.getPropertyValue(name));
    for (const name of ["tabindex", "role", "data-slot", "data-room"]) twin.removeAttribute(name);
  }
  copy.querySelector(".flows")?.remove();
  setAll(copy, { width: `${width}`, height: `${height}`, role: "img", "font-size": "22",
    fill: getComputedStyle(svg).fill });
  copy.removeAttribute("style");
  return { text: new XMLSerializer().serializeToString(copy), width, height };
}

/** Gives a file to the reader. @param {Blob} blob @param {string} ending */
function give(blob, ending) {
  const name = (state.data.title || "graph").replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "").slice(0, 60) || "graph";
  const link = make("a", { href: URL.createObjectURL(blob), download: `${name}.${ending}` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

/** The picture as SVG. */
function saveSvg() {
  give(new Blob([pictureFile().text], { type: "image/svg+xml" }), "svg");
}

/** The picture as PNG, with twice as many pixels as points. */
function savePng() {
  const { text, width, height } = pictureFile();
  const image = new Image(), canvas = document.createElement("canvas");
  const times = Math.min(2, 8000 / Math.max(width, height));
  Object.assign(canvas, { width: width * times, height: height * times });
  image.onload = () => {
    canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
    URL.revokeObjectURL(image.src);
    canvas.toBlob((blob) => blob && give(blob, "png"));
  };
  image.src = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
}

/** Copies the address, or shows it where the browser forbids that. */
async function copyLink() {
  const address = location.href.split("#")[0] + addressOf();
  try {
    await navigator.clipboard.writeText(address);
    byId("shared").textContent = "The link is copied.";
  } catch {
    byId("shared").textContent = address;
  }
}

/** Connects the controls. A print has the colours of paper. */
function startShare() {
  byId("share").onclick = copyLink;
  byId("save-svg").onclick = saveSvg;
  byId("save-png").onclick = savePng;
  addEventListener("beforeprint", () => (document.documentElement.dataset.theme = "print"));
  addEventListener("afterprint", () => update("level"));
  addEventListener("hashchange", () => (recall(), update("level"), update("numbers")));
}
